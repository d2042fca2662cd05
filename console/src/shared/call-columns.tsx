/** How a call is shown in lists of calls. */
import { Stack, Text } from '@mantine/core';
import type { TFunction } from 'i18next';
import type { operations } from '../api/generated/schema.ts';
import type { Column } from './data-table.tsx';
import { Id } from './id.tsx';
import { Money } from './money.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Time } from './time.tsx';

type Call = operations['listMyCalls']['responses']['200']['content']['application/json'][number];

export function calls(t: TFunction): Column<Call>[] {
  return [
    { title: t('field.time'), cell: ({ createTime }) => <Time at={createTime} /> },
    { title: t('field.model'), cell: ({ modelIdentifier }) => <Text size="sm">{modelIdentifier}</Text> },
    {
      title: t('field.status'),
      cell: ({ isSuccess, errorCode }) => (
        <Stack gap={2}>
          <StatusBadge status={isSuccess ? 'succeeded' : 'failed'} />
          {errorCode !== null && <Text size="xs">{errorCode}</Text>}
        </Stack>
      ),
    },
    {
      ...{ title: t('field.tokens'), align: 'end', from: 'sm' },
      cell: ({ promptTokens, completionTokens }) => (
        <span className="time">{`${promptTokens.toLocaleString()} + ${completionTokens.toLocaleString()}`}</span>
      ),
    },
    {
      ...{ title: t('field.latency'), align: 'end', from: 'md' },
      cell: ({ latencyMs }) => <span className="time">{`${latencyMs.toLocaleString()} ms`}</span>,
    },
    { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
    {
      ...{ title: t('field.requestId'), from: 'lg' },
      cell: ({ requestId }) => <Id id={requestId} short />,
    },
  ];
}
