/** A view's heading, its actions and its content. */
import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

/** Whoever listens to the page hears the name of the view that has come. */
export function Page(props: { title: string; about?: string; actions?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · ${t('product')}`;
    heading.current?.focus({ preventScroll: true });
  }, [props.title, t]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Stack gap={4} maw={720}>
          <Title order={1} size="h2" tabIndex={-1} ref={heading}>
            {props.title}
          </Title>
          {props.about !== undefined && (
            <Text c="dimmed" size="sm">
              {props.about}
            </Text>
          )}
        </Stack>
        {props.actions !== undefined && <Group gap="xs">{props.actions}</Group>}
      </Group>
      {props.children}
    </Stack>
  );
}
