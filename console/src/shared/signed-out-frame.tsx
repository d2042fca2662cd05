/** The frame of what is seen without a sign-in: the product, and one form. */
import { Center, Group, Image, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { AppearanceMenu } from './header-menus.tsx';

const NARROW_PX = 400;

export function SignedOutFrame({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Center component="main" className="main" mih="100dvh" p="md">
      <Stack w="100%" maw={NARROW_PX} gap="lg">
        <Group justify="center" gap="sm">
          <Image src={`${import.meta.env.BASE_URL}icon.svg`} alt="" w={28} h={28} />
          <Text fw={650} size="lg">
            {t('product')}
          </Text>
        </Group>
        <Paper withBorder p="xl" shadow="sm">
          <Stack>
            <Group justify="space-between" wrap="nowrap">
              <Title order={1} size="h3">
                {title}
              </Title>
              <AppearanceMenu />
            </Group>
            {children}
          </Stack>
        </Paper>
      </Stack>
    </Center>
  );
}
