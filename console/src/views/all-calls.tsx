/** Calls of all users: whose, by which provider, after how many attempts, and why one failed. */
import { Group, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { CallDetails, calls as columnsOfCalls } from '../shared/call-columns.tsx';
import { CallFilters, useCallFilters } from '../shared/call-filters.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useCursor, useFilters, useShown } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { ErrorState, LoadingView } from '../shared/page-states.tsx';
import { UserLink } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const TYPING_MS = 300;
const TEXTS = [...(['user', 'providerName', 'traceId', 'requestId', 'errorText'] as const)];

export default function AllCalls() {
  const { t } = useTranslation();
  const common = useCallFilters();
  const { shown, show, close } = useShown('call');
  const { values, set } = useFilters(TEXTS);
  const [settled] = useDebouncedValue(JSON.stringify(values), TYPING_MS);
  const cursor = useCursor(JSON.stringify(common.query) + settled);
  const body = {
    ...common.query,
    ...values,
    ...{ limit: PAGE_ROWS, sortDesc: true },
    ...(cursor.cursor && { before: cursor.cursor }),
  };
  const calls = api.useQuery('post', '/v1/statistics/logs/query', { body });
  const rows = calls.data;
  return (
    <Page title={t('allCalls.title')} about={t('allCalls.about')}>
      <Group align="end" className="filters">
        <CallFilters {...common} />
        {TEXTS.map((name) => (
          <TextInput
            key={name}
            label={t(`field.${name}`)}
            w={150}
            value={values[name] ?? ''}
            onChange={(event) => set(name, event.currentTarget.value)}
          />
        ))}
      </Group>
      <DataTable
        label={t('allCalls.title')}
        query={calls}
        rows={rows}
        rowKey={({ id }) => id}
        empty={t('calls.none')}
        pages={<CursorPages {...cursor} nextCursor={rows?.length === PAGE_ROWS ? rows.at(-1)?.id : undefined} />}
        columns={[{ title: t('all.user'), cell: (call) => <Caller {...call} /> }, ...columnsOfCalls(t, show)]}
      />
      <Details title={t('calls.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <OpenedCall requestId={shown} />}
      </Details>
    </Page>
  );
}

function OpenedCall({ requestId }: { requestId: string }) {
  const { t } = useTranslation();
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  const found = api.useQuery('post', '/v1/statistics/logs/query', { body: { requestId } });
  if (found.error && !found.data) return <ErrorState error={found.error} onRetry={found.refetch} />;
  if (!found.data) return <LoadingView />;
  const [call] = found.data;
  if (call === undefined) return <Text>{t('calls.none')}</Text>;
  return <CallDetails call={call} caller={<Caller {...call} />} canLookUp={isRoot} />;
}

/** Only some administrators see the user behind the name. */
function Caller({ userId, username = `#${userId}` }: { userId: number; username?: string }) {
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  return isRoot ? <UserLink userId={userId} name={username} /> : username;
}
