/** Theme, language, queries and router around the views. */
import {
  type CSSVariablesResolver,
  createTheme,
  MantineProvider,
  type MantineThemeOverride,
  mergeThemeOverrides,
  NavLink,
  Notification,
  Table,
} from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { queryClient } from './api/client.ts';
import { Router } from './router.tsx';
import { STYLE_NONCE } from './settings.ts';

/** Fetched after what is seen first; what fails meanwhile is kept for it. Where it cannot be had, the page goes on. */
const Notices = lazy(() => import('./shared/notices.tsx').catch(() => ({ default: () => <></> })));

/** Those of each system, Chinese ones too: nothing is fetched. */
const FONTS =
  "-apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans', sans-serif";

/** Shades on which white text can be read: 4.5 : 1 and better. */
const look = createTheme({
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

/** What the buttons of dialogs and fields say to those who cannot see them. */
function useNamedButtons(): MantineThemeOverride {
  const { t } = useTranslation();
  return useMemo(() => {
    const closing = { closeButtonProps: { 'aria-label': t('action.close') } };
    const clearing = { defaultProps: { clearButtonProps: { 'aria-label': t('action.clear') } } };
    const components = {
      Modal: { defaultProps: closing },
      Drawer: { defaultProps: { ...closing, position: 'right' } },
      ...{ Select: clearing, DatePickerInput: clearing },
    };
    return createTheme({ components });
  }, [t]);
}

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
    // Of buttons without a ground: white says neither that they do something nor that it is dangerous.
    '--mantine-color-red-light-color': used.colors.red[4],
    '--mantine-color-indigo-light-color': used.colors.indigo[3],
  },
});

export function App() {
  const named = useNamedButtons();
  const theme = useMemo(() => mergeThemeOverrides(look, named), [named]);
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={readable}
      getStyleNonce={() => STYLE_NONCE}
    >
      <QueryClientProvider client={queryClient}>
        <Suspense>
          <Notices />
        </Suspense>
        <Router />
      </QueryClientProvider>
    </MantineProvider>
  );
}
