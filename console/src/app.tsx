/** Theme, language, queries and router around the views. */
import { type CSSVariablesResolver, createTheme, MantineProvider, NavLink, Notification, Table } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from 'react-router';
import { queryClient } from './api/client.ts';
import { router } from './router.tsx';
import { STYLE_NONCE } from './settings.ts';

/** Those of each system, Chinese ones too: nothing is fetched. */
const FONTS =
  "-apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans', sans-serif";

/** Shades on which white text can be read: 4.5 : 1 and better. */
const theme = createTheme({
  respectReducedMotion: true,
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: FONTS,
  headings: { fontFamily: FONTS, fontWeight: '650' },
  components: {
    NavLink: NavLink.extend({
      styles: { root: { borderRadius: 'var(--mantine-radius-md)' }, label: { color: 'var(--mantine-color-text)' } },
    }),
    Table: Table.extend({ styles: { th: { fontSize: 'var(--mantine-font-size-xs)', fontWeight: 600 } } }),
    Notification: Notification.extend({ styles: { description: { color: 'var(--mantine-color-dimmed)' } } }),
  },
});

/** Dimmed text that can still be read. */
const readable: CSSVariablesResolver = (used) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': used.colors.gray[7],
    '--mantine-color-placeholder': used.colors.gray[7],
    '--mantine-color-error': used.colors.red[8],
  },
  dark: {
    '--mantine-color-dimmed': used.colors.dark[1],
    '--mantine-color-placeholder': used.colors.dark[1],
    '--mantine-color-error': used.colors.red[4],
  },
});

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={readable}
      getStyleNonce={() => STYLE_NONCE}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="top-right" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
