/** Calls of all users: whose, by which provider, after how many attempts, and why one failed. */
import { Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { useAllProviders } from '../shared/all-providers.ts';
import { calls as columnsOfCalls } from '../shared/call-columns.tsx';
import { CallFilters, DOUBTS, useCallFilters } from '../shared/call-filters.tsx';
import { Choice, NamedChoice, TextFilter } from '../shared/choice.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useCursor, useFilters, useShown } from '../shared/filters.ts';
import { AnyKeyFilter } from '../shared/key-filter.tsx';
import { Caller, OpenedCall } from '../shared/opened-call.tsx';
import { Page } from '../shared/page.tsx';
import { useAnyUserFilter } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const TEXT_PX = 150;
const TEXTS = ['traceId', 'requestId', 'errorText'] as const;
const NAMES = [...TEXTS, 'providerName', 'providerKeyId', 'doubt'] as const;

export default function AllCalls() {
  const { t } = useTranslation();
  const common = useCallFilters();
  const user = useAnyUserFilter();
  const { values, settled, set } = useFilters(NAMES);
  const { shown, show, close } = useShown('call');
  const { doubt: asked, ...others } = settled;
  const doubt = DOUBTS.find((one) => one === asked);
  const filter = { ...common.query, ...user.query, ...others, ...(doubt === undefined ? {} : { doubt }) };
  const cursor = useCursor(JSON.stringify(filter));
  const body = { ...filter, limit: PAGE_ROWS, sortDesc: true, ...(cursor.cursor && { before: cursor.cursor }) };
  const calls = api.useQuery('post', '/v1/statistics/logs/query', { body });
  const rows = calls.data;
  return (
    <Page title={t('allCalls.title')} about={t('allCalls.about')}>
      <Group align="end" className="filters">
        <CallFilters {...common} />
        {user.field}
        <KeyFilter {...common} userId={user.query.userId} />
        <ProviderFilters values={values} set={set} />
        <Choice
          label={t('calls.doubt')}
          values={DOUBTS}
          textOf={(value) => t(`doubt.${value}`)}
          value={doubt}
          onChange={(value) => set('doubt', value)}
        />
        {TEXTS.map((name) => (
          <TextFilter
            key={name}
            label={t(`field.${name}`)}
            width={TEXT_PX}
            value={values[name]}
            onChange={(text) => set(name, text)}
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
        columns={[{ title: t('all.user'), cell: (call) => <Caller {...call} /> }, ...columnsOfCalls(t, { show })]}
      />
      <Details title={t('calls.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <OpenedCall requestId={shown} ofAll />}
      </Details>
    </Page>
  );
}

/** Model administrators do not see the keys of others: they know one by the id that a call shows. */
function KeyFilter(props: Pick<ReturnType<typeof useCallFilters>, 'values' | 'set'> & { userId: string | undefined }) {
  const { t } = useTranslation();
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  const { accessKeyId: value } = props.values;
  const onChange = (id: string | null) => props.set('accessKeyId', id);
  if (isRoot) return <AnyKeyFilter {...{ value, onChange }} userId={props.userId} />;
  return <TextFilter {...{ value, onChange }} label={t('calls.keyId')} width={TEXT_PX} />;
}

type Filters = ReturnType<typeof useFilters<(typeof NAMES)[number]>>;

/** The log knows providers by name; of a chosen one only its keys are offered. */
function ProviderFilters({ values, set }: Pick<Filters, 'values' | 'set'>) {
  const { t } = useTranslation();
  const providers = useAllProviders().data ?? [];
  const keys = api.useQuery('get', '/v1/admin/provider-keys');
  const { providerName, providerKeyId } = values;
  const names = new Map(providers.map(({ id, name }) => [id, name]));
  const options = keys.data
    ?.filter(({ providerId }) => providerName === undefined || names.get(providerId) === providerName)
    .map(({ id, providerId, name, maskedApiKey }) => ({
      id,
      name: [names.get(providerId), name, maskedApiKey].filter(Boolean).join(' · '),
    }));
  return (
    <>
      <Choice
        label={t('field.provider')}
        values={providerName === undefined ? [...names.values()] : [...new Set([providerName, ...names.values()])]}
        textOf={(name) => name}
        value={providerName}
        searchable
        onChange={(name) => set('providerName', name)}
      />
      <NamedChoice
        label={t('calls.providerKey')}
        options={options}
        value={providerKeyId}
        onChange={(id) => set('providerKeyId', id)}
      />
    </>
  );
}
