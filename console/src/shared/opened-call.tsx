/** One call by itself: how it went, whose it was, what it was made with, what it cost and by which rule. */
import { Anchor, Code, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { type Call, statusOf, tokensOf } from './call-columns.tsx';
import { doubtText } from './call-filters.tsx';
import { Facts } from './details.tsx';
import { messageText } from './failure.ts';
import { Id, lookupOf } from './id.tsx';
import { Money } from './money.tsx';
import { NotLoaded } from './page-states.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Latency, Time } from './time.tsx';
import { UserLink } from './user-filter.tsx';

/** @param props.ofAll whether it may be anybody's, as administrators look at it. */
export function OpenedCall({ requestId, ofAll = false }: { requestId: string; ofAll?: boolean }) {
  const { t } = useTranslation();
  const own = api.useQuery('get', '/v1/statistics/logs/me', { params: { query: { requestId } } }, { enabled: !ofAll });
  const anybodys = api.useQuery('post', '/v1/statistics/logs/query', { body: { requestId } }, { enabled: ofAll });
  const found = ofAll ? anybodys : own;
  if (!found.data) return <NotLoaded query={found} />;
  const [call] = found.data;
  return call === undefined ? <Text>{t('calls.none')}</Text> : <CallDetails call={call} ofAll={ofAll} />;
}

function CallDetails({ call, ofAll }: { call: Call; ofAll: boolean }) {
  const { t } = useTranslation();
  const canLookUp = useUser().role === 'ROLE_ROOT_ADMIN';
  const { errorCode, errorText, attempts, ttftMs, imageCount, priceRule, doubt, traceId, requestId, batchId } = call;
  const tags = Object.entries(call.tags);
  return (
    <Facts
      facts={{
        [t('field.status')]: <StatusBadge status={statusOf(call)} />,
        [t('calls.code')]: errorCode ?? undefined,
        [t('field.errorText')]: errorText === null ? undefined : messageText(errorText),
        [t('field.time')]: <Time at={call.createTime} />,
        [t('all.user')]: ofAll ? <Caller {...call} /> : undefined,
        [t('field.accessKey')]: <AccessKeyOf call={call} ofAll={ofAll} />,
        [t('field.model')]: <Code>{call.modelIdentifier || '–'}</Code>,
        [t('field.provider')]: <ProviderOf {...call} />,
        [t('calls.providerKey')]: call.providerKeyId == null ? undefined : <ProviderKeyOf {...call} />,
        [t('calls.attempts')]: attempts,
        [t('field.tokens')]: tokensOf(call),
        [t('calls.images')]: imageCount > 0 ? imageCount : undefined,
        [t('field.cost')]: <Money amount={call.cost} />,
        [t('calls.rule')]: priceRule ?? undefined,
        [t('calls.doubt')]: doubt === null ? undefined : doubtText(t, doubt),
        [t('field.latency')]: <Latency ms={call.latencyMs} />,
        [t('calls.firstToken')]: ttftMs === null ? undefined : <Latency ms={ttftMs} />,
        [t('field.job')]:
          call.isAsync && call.status !== 'REFUSED' ? (
            <Id id={requestId} to={jobOf(requestId, ofAll, canLookUp)} />
          ) : undefined,
        [t('calls.batch')]:
          batchId === null ? undefined : <Id id={batchId} to={canLookUp ? lookupOf(batchId) : undefined} />,
        [t('calls.tags')]:
          tags.length === 0 ? undefined : (
            <Group gap="xs">
              {tags.map(([name, value]) => (
                <Code key={name}>{`${name}: ${value}`}</Code>
              ))}
            </Group>
          ),
        [t('field.traceId')]: <Id id={traceId} to={canLookUp ? lookupOf(traceId) : undefined} />,
        [t('field.requestId')]: <Id id={requestId} to={canLookUp ? lookupOf(requestId) : undefined} />,
      }}
    />
  );
}

/** Jobs of all users are ROOT's alone. */
function jobOf(id: string, ofAll: boolean, isRoot: boolean): string | undefined {
  if (ofAll) return isRoot ? `/all-jobs?job=${id}` : undefined;
  return `/jobs?job=${id}`;
}

/** Only some administrators see the user behind the name. */
export function Caller({ userId, username = `#${userId}` }: { userId: number; username?: string }) {
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  return isRoot ? <UserLink userId={userId} name={username} /> : username;
}

function AccessKeyOf({ call, ofAll }: { call: Call; ofAll: boolean }) {
  const { t } = useTranslation();
  const { accessKeyId, accessKeyName = '', accessKeyMask } = call;
  if (accessKeyId === null) return t('overview.noKey');
  return (
    <Stack gap={2} align="flex-start">
      {accessKeyName}
      {accessKeyMask === undefined ? `#${accessKeyId}` : <Code className="time">{accessKeyMask}</Code>}
      <Anchor component={Link} to={`${ofAll ? '/all-calls' : '/calls'}?accessKeyId=${accessKeyId}`} size="sm">
        {t('calls.ofKey')}
      </Anchor>
    </Stack>
  );
}

function ProviderOf({ providerName, providerId }: Call) {
  if (providerName === null) return '–';
  if (providerId == null) return providerName;
  return (
    <Anchor component={Link} to={`/providers?id=${providerId}`} inherit>
      {providerName}
    </Anchor>
  );
}

function ProviderKeyOf({ providerKeyId, providerKeyName, providerKeyMask }: Call) {
  const { t } = useTranslation();
  if (providerKeyMask === undefined) return `#${providerKeyId}`;
  return (
    <Stack gap={2} align="flex-start">
      {providerKeyName || t('providerKeys.unnamed', { id: providerKeyId })}
      <Code className="time">{providerKeyMask}</Code>
    </Stack>
  );
}
