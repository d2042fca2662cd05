/** How a call is shown in lists of calls. */
import { Anchor, Stack, Text } from '@mantine/core';
import type { TFunction } from 'i18next';
import { Link } from 'react-router';
import type { operations } from '../api/generated/schema.ts';
import type { Column } from './data-table.tsx';
import { messageText } from './failure.ts';
import { Money } from './money.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Latency, Time } from './time.tsx';

export type Call = operations['listMyCalls']['responses']['200']['content']['application/json'][number];

/** @param open shows a call beside its list, or leads to where it is shown. */
export function calls(
  t: TFunction,
  open: { show: (id: string) => void } | { to: (id: string) => string },
): Column<Call>[] {
  return [
    {
      title: t('field.time'),
      cell: ({ id, createTime }) =>
        'show' in open ? (
          <Anchor component="button" size="sm" onClick={() => open.show(id)}>
            <Time at={createTime} />
          </Anchor>
        ) : (
          <Anchor component={Link} to={open.to(id)} size="sm">
            <Time at={createTime} />
          </Anchor>
        ),
    },
    { title: t('field.model'), cell: ({ modelIdentifier }) => <Text size="sm">{modelIdentifier || '–'}</Text> },
    { title: t('field.status'), cell: (call) => <Outcome {...call} /> },
    {
      ...{ title: t('field.tokens'), align: 'end', from: 'md' },
      cell: (call) => <span className="time">{tokensOf(call)}</span>,
    },
    {
      ...{ title: t('field.latency'), align: 'end', from: 'md' },
      cell: ({ latencyMs }) => <Latency ms={latencyMs} />,
    },
    { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
  ];
}

export function tokensOf({ promptTokens, completionTokens }: Call): string {
  return `${promptTokens.toLocaleString()} + ${completionTokens.toLocaleString()}`;
}

export function statusOf({ status }: Pick<Call, 'status'>): 'succeeded' | 'failed' | 'refused' {
  if (status === 'REFUSED') return 'refused';
  return status === 'SUCCEEDED' ? 'succeeded' : 'failed';
}

/** Why it failed, and where; no provider was asked for one that was refused. */
function Outcome(call: Call) {
  const { errorCode, errorText, providerName, attempts } = call;
  const status = statusOf(call);
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge status={status} />
      {status !== 'succeeded' && (
        <>
          <Text size="xs" lineClamp={2}>
            {errorCode} {messageText(errorText ?? '')}
          </Text>
          {status === 'failed' && (
            <Text size="xs" c="dimmed">
              {providerName ?? '–'} × {attempts}
            </Text>
          )}
        </>
      )}
    </Stack>
  );
}
