/** An account of the ledger: every movement of its money, what calls and jobs hold, what processes have leased. */
import { Center, Group, Select, SimpleGrid, Tabs, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { Choice } from '../shared/choice.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Figure } from '../shared/figure.tsx';
import { useCursor, useFilters } from '../shared/filters.ts';
import { Id, lookupOf } from '../shared/id.tsx';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { ErrorState } from '../shared/page-states.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserFilter } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const KINDS = ['grant', 'top_up', 'charge', 'overrun', 'refund', 'adjustment', 'chargeback', 'loss'] as const;
const STATES = ['open', 'captured', 'released'] as const;
const TABS = ['transfers', 'holds', 'leases'] as const;

export default function Ledger() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['userId', 'show']);
  const userId = Number(values.userId);
  const show = TABS.find((name) => name === values.show) ?? 'transfers';
  return (
    <Page title={t('ledger.title')} about={t('ledger.about')}>
      <Group>
        <UserFilter value={values.userId} placeholder={t('ledger.chooseUser')} onChange={(id) => set('userId', id)} />
      </Group>
      {values.userId === undefined || !Number.isSafeInteger(userId) ? (
        <Center py="xl">
          <Text c="dimmed">{t('ledger.choose')}</Text>
        </Center>
      ) : (
        <>
          <Account userId={userId} />
          <Tabs value={show} onChange={(name) => set('show', name)} keepMounted={false}>
            <Tabs.List mb="md">
              {TABS.map((name) => (
                <Tabs.Tab key={name} value={name}>
                  {t(`ledger.${name}`)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="transfers">
              <Transfers userId={userId} />
            </Tabs.Panel>
            <Tabs.Panel value="holds">
              <Holds userId={userId} />
            </Tabs.Panel>
            <Tabs.Panel value="leases">
              <Leases userId={userId} />
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </Page>
  );
}

function Account({ userId }: { userId: number }) {
  const { t } = useTranslation();
  const account = api.useQuery('get', '/v1/admin/users/{id}/account', { params: { path: { id: userId } } });
  if (account.error && !account.data) return <ErrorState error={account.error} onRetry={account.refetch} />;
  const amount = (value: string | undefined) => value && <Money amount={value} />;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      <Figure label={t('ledger.available')} value={amount(account.data?.available)} />
      <Figure label={t('ledger.leased')} value={amount(account.data?.leased)} about={t('ledger.leasedAbout')} />
      <Figure label={t('overview.held')} value={amount(account.data?.held)} about={t('overview.heldAbout')} />
      <Figure label={t('ledger.debt')} value={amount(account.data?.debt)} />
    </SimpleGrid>
  );
}

function Transfers({ userId }: { userId: number }) {
  const { t } = useTranslation();
  const { values, set } = useFilters(['kind']);
  const kind = KINDS.find((name) => name === values.kind);
  const cursor = useCursor(`${userId} ${kind}`);
  const query = {
    pageSize: PAGE_ROWS,
    ...(kind === undefined ? {} : { kind }),
    ...(cursor.cursor && { cursor: cursor.cursor }),
  };
  const transfers = api.useQuery('get', '/v1/admin/users/{id}/transfers', {
    params: { path: { id: userId }, query },
  });
  return (
    <>
      <Group mb="md">
        <Choice
          label={t('field.kind')}
          values={KINDS}
          textOf={(value) => t(`transfer.${value}`)}
          value={kind}
          onChange={(value) => set('kind', value)}
        />
      </Group>
      <DataTable
        label={t('ledger.transfers')}
        query={transfers}
        rows={transfers.data?.records}
        rowKey={(one) => `${one.id} ${one.kind}`}
        empty={t('ledger.noTransfers')}
        pages={<CursorPages {...cursor} nextCursor={transfers.data?.next} />}
        columns={[
          { title: t('field.time'), cell: ({ createdAt }) => <Time at={createdAt} /> },
          { title: t('field.kind'), cell: (one) => t(`transfer.${one.kind}`) },
          { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
          {
            ...{ title: t('field.tokens'), align: 'end', from: 'lg' },
            cell: (one) =>
              one.kind === 'charge' || one.kind === 'overrun'
                ? `${one.promptTokens.toLocaleString()} + ${one.completionTokens.toLocaleString()}`
                : '–',
          },
          { title: t('field.note'), from: 'md', cell: ({ note }) => note ?? '–' },
          { title: t('field.id'), cell: ({ id }) => <Id id={id} to={lookupOf(id)} short /> },
        ]}
      />
    </>
  );
}

function Holds({ userId }: { userId: number }) {
  const { t } = useTranslation();
  const { values, set } = useFilters(['state']);
  const state = STATES.find((name) => name === values.state) ?? 'open';
  const cursor = useCursor(`${userId} ${state}`);
  const query = { pageSize: PAGE_ROWS, state, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const holds = api.useQuery('get', '/v1/admin/users/{id}/holds', { params: { path: { id: userId }, query } });
  return (
    <>
      <Select
        label={t('field.status')}
        allowDeselect={false}
        maw={240}
        mb="md"
        data={STATES.map((value) => ({ value, label: t(`status.hold.${value}`) }))}
        value={state}
        onChange={(value) => set('state', value)}
      />
      <DataTable
        label={t('ledger.holds')}
        query={holds}
        rows={holds.data?.records}
        rowKey={({ id }) => id}
        empty={t('ledger.noHolds')}
        pages={<CursorPages {...cursor} nextCursor={holds.data?.next} />}
        columns={[
          { title: t('field.time'), cell: ({ createdAt }) => <Time at={createdAt} /> },
          { title: t('field.kind'), cell: ({ owner }) => t(`ledger.owner.${owner}`) },
          { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
          {
            ...{ title: t('ledger.captured'), align: 'end' },
            cell: ({ captured }) => <Money amount={captured} />,
          },
          {
            ...{ title: t('ledger.released'), align: 'end' },
            cell: ({ released }) => <Money amount={released} />,
          },
          { title: t('field.status'), cell: (one) => <StatusBadge status={`hold.${one.state}`} /> },
          { title: t('ledger.ends'), from: 'lg', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
          { title: t('field.id'), from: 'md', cell: ({ id }) => <Id id={id} to={lookupOf(id)} short /> },
        ]}
      />
    </>
  );
}

function Leases({ userId }: { userId: number }) {
  const { t } = useTranslation();
  const cursor = useCursor(String(userId));
  const query = {
    ...{ pageSize: PAGE_ROWS, state: 'open' as const, owner: 'lease' as const },
    ...(cursor.cursor && { cursor: cursor.cursor }),
  };
  const leases = api.useQuery('get', '/v1/admin/users/{id}/holds', { params: { path: { id: userId }, query } });
  return (
    <DataTable
      label={t('ledger.leases')}
      query={leases}
      rows={leases.data?.records}
      rowKey={({ id }) => id}
      empty={t('ledger.noLeases')}
      pages={<CursorPages {...cursor} nextCursor={leases.data?.next} />}
      columns={[
        { title: t('field.time'), cell: ({ createdAt }) => <Time at={createdAt} /> },
        { title: t('field.owner'), cell: ({ writerSlot }) => t('ledger.process', { slot: writerSlot }) },
        { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
        { title: t('ledger.captured'), align: 'end', cell: ({ captured }) => <Money amount={captured} /> },
        {
          ...{ title: t('ledger.released'), align: 'end' },
          cell: ({ released }) => <Money amount={released} />,
        },
      ]}
    />
  );
}
