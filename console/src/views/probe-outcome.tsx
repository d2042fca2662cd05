/** What a test call gave. */
import { Code, Group, Paper, Text, ThemeIcon } from '@mantine/core';
import { Check, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ProbeResult } from '../api/generated/schema.ts';
import { Latency } from '../shared/time.tsx';

export function ProbeOutcome({ ok, latencyMs, usage, answer, error, failure }: ProbeResult) {
  const { t } = useTranslation();
  const said = answer ?? error;
  return (
    <Paper withBorder p="sm" role="status">
      <Group gap="sm" align="center">
        <ThemeIcon color={ok ? 'green.9' : 'red.8'} size="sm" radius="xl">
          {ok ? <Check size={14} aria-hidden /> : <X size={14} aria-hidden />}
        </ThemeIcon>
        <Text size="sm" fw={600}>
          {t(ok ? 'probe.ok' : 'probe.failed')}
        </Text>
        <Text size="sm" c="dimmed">
          <Latency ms={latencyMs} />
        </Text>
        {usage && (
          <Text size="sm" c="dimmed">
            {t('probe.tokens', { prompt: usage.promptTokens, completion: usage.completionTokens })}
          </Text>
        )}
        {failure !== undefined && <Code>{failure}</Code>}
      </Group>
      {said !== undefined && (
        <Text size="sm" mt="xs" style={{ overflowWrap: 'anywhere' }}>
          {said}
        </Text>
      )}
    </Paper>
  );
}
