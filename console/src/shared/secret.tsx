/** Something that is shown this once. */
import { ActionIcon, Alert, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { Check, Copy, Hash } from 'lucide-react';
import { useTranslation } from 'react-i18next';

/** @param props.kind an id has a sign of its own beside that of a text. */
export function CopyIcon({ text, label, kind }: { text: string; label?: string; kind?: 'id' }) {
  const { t } = useTranslation();
  const Icon = kind === 'id' ? Hash : Copy;
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          title={label}
          onClick={copy}
          aria-label={copied ? t('action.copied') : (label ?? t('action.copy'))}
        >
          {copied ? <Check size={16} /> : <Icon size={16} />}
        </ActionIcon>
      )}
    </CopyButton>
  );
}

export function Secret({ value, about }: { value: string; about: string }) {
  return (
    <Alert variant="outline" color="orange">
      <Stack gap="xs">
        <Text size="sm">{about}</Text>
        <Group gap="xs" wrap="nowrap">
          <Code block flex={1} miw={0} data-testid="secret" style={{ whiteSpace: 'pre-wrap', wordBreak: 'break-all' }}>
            {value}
          </Code>
          <CopyIcon text={value} />
        </Group>
      </Stack>
    </Alert>
  );
}
