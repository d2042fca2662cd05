/** How a call is shown: in lists of calls, and by itself. */
import { Anchor, Code, Stack, Text } from '@mantine/core';
import type { TFunction } from 'i18next';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { operations } from '../api/generated/schema.ts';
import type { Column } from './data-table.tsx';
import { Facts } from './details.tsx';
import { Id, lookupOf } from './id.tsx';
import { Money } from './money.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Latency, Time } from './time.tsx';

export type Call = operations['listMyCalls']['responses']['200']['content']['application/json'][number];

/** @param show opens a call, where it can be opened. */
export function calls(t: TFunction, show?: (id: string) => void): Column<Call>[] {
  return [
    {
      title: t('field.time'),
      cell: ({ id, createTime }) =>
        show === undefined ? (
          <Time at={createTime} />
        ) : (
          <Anchor component="button" size="sm" onClick={() => show(id)}>
            <Time at={createTime} />
          </Anchor>
        ),
    },
    { title: t('field.model'), cell: ({ modelIdentifier }) => <Text size="sm">{modelIdentifier}</Text> },
    { title: t('field.status'), cell: (call) => <Outcome {...call} /> },
    {
      ...{ title: t('field.tokens'), align: 'end' },
      cell: (call) => <span className="time">{tokensOf(call)}</span>,
    },
    {
      ...{ title: t('field.latency'), align: 'end', from: 'md' },
      cell: ({ latencyMs }) => <Latency ms={latencyMs} />,
    },
    { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
  ];
}

function tokensOf({ promptTokens, completionTokens }: Call): string {
  return `${promptTokens.toLocaleString()} + ${completionTokens.toLocaleString()}`;
}

/** Why it failed, and where. */
function Outcome({ isSuccess, errorCode, errorText, providerName, attempts }: Call) {
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge status={isSuccess ? 'succeeded' : 'failed'} />
      {!isSuccess && (
        <>
          <Text size="xs" lineClamp={2}>
            {errorCode} {errorText}
          </Text>
          <Text size="xs" c="dimmed">
            {providerName ?? '–'} × {attempts}
          </Text>
        </>
      )}
    </Stack>
  );
}

/** @param props.caller whose it is, where it may be of somebody else. */
export function CallDetails({
  call,
  caller,
  canLookUp = false,
}: {
  call: Call;
  caller?: ReactNode;
  canLookUp?: boolean;
}) {
  const { t } = useTranslation();
  const { errorCode, errorText, providerName, attempts, ttftMs, imageCount, priceRule, traceId } = call;
  return (
    <Facts
      facts={{
        [t('field.status')]: <StatusBadge status={call.isSuccess ? 'succeeded' : 'failed'} />,
        [t('calls.code')]: errorCode ?? undefined,
        [t('field.errorText')]: errorText ?? undefined,
        [t('field.provider')]: providerName ?? '–',
        [t('calls.attempts')]: attempts,
        [t('field.time')]: <Time at={call.createTime} />,
        [t('all.user')]: caller,
        [t('field.model')]: <Code>{call.modelIdentifier}</Code>,
        [t('field.tokens')]: tokensOf(call),
        [t('calls.images')]: imageCount > 0 ? imageCount : undefined,
        [t('field.cost')]: <Money amount={call.cost} />,
        [t('calls.rule')]: priceRule ?? undefined,
        [t('field.latency')]: <Latency ms={call.latencyMs} />,
        [t('calls.firstToken')]: ttftMs === null ? undefined : <Latency ms={ttftMs} />,
        [t('field.traceId')]: <Id id={traceId} to={canLookUp ? lookupOf(traceId) : undefined} />,
        [t('field.requestId')]: <Id id={call.requestId} to={canLookUp ? lookupOf(call.requestId) : undefined} />,
      }}
    />
  );
}
