/** Orders of all users: what was paid, what payment providers said of each, what was given back. */
import { Anchor, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { Choice } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useFilters, usePage, useShown } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { orderStatus, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';
import { OrderDetails } from './order-details.tsx';

const PAGE_ROWS = 20;
const STATUSES = ['PENDING', 'COMPLETED', 'FAILED'] as const;

export default function AllOrders() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['userId', 'status']);
  const { shown, show, close } = useShown('order');
  const status = STATUSES.find((name) => name === values.status);
  const filter = {
    ...(status === undefined ? {} : { status }),
    ...(values.userId === undefined ? {} : { userId: values.userId }),
  };
  const pages = usePage(JSON.stringify(filter));
  const query = { pageNum: pages.page, pageSize: PAGE_ROWS, sortBy: 'id' as const, sortOrder: 'desc', ...filter };
  const orders = api.useQuery('get', '/v1/orders', { params: { query } });
  return (
    <Page title={t('allOrders.title')} about={t('allOrders.about')}>
      <Group align="end" className="filters">
        <UserFilter value={values.userId} onChange={(id) => set('userId', id)} />
        <Choice
          label={t('field.status')}
          values={STATUSES}
          textOf={(value) => t(`status.order.${value}`)}
          value={status}
          onChange={(value) => set('status', value)}
        />
        <FindOrder onFound={show} />
      </Group>
      <DataTable
        label={t('allOrders.title')}
        query={orders}
        rows={orders.data?.records}
        rowKey={({ orderNo }) => orderNo}
        empty={t('allOrders.none')}
        pages={<Pages {...pages} of={orders.data} />}
        columns={[
          {
            title: t('field.createdAt'),
            cell: ({ orderNo, createdAt }) => (
              <Stack gap={2} align="flex-start">
                <Anchor component="button" size="sm" ta="start" onClick={() => show(orderNo)}>
                  <Time at={createdAt} />
                </Anchor>
              </Stack>
            ),
          },
          {
            title: t('all.user'),
            cell: ({ userId, username }) => <UserLink userId={userId} name={username} />,
          },
          { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
          {
            ...{ title: t('allOrders.refunded'), align: 'end' },
            cell: ({ refundedAmount }) => <Money amount={refundedAmount} />,
          },
          {
            title: t('field.status'),
            cell: (order) => (
              <Stack gap={2} align="flex-start">
                <StatusBadge status={orderStatus(order)} />
                {order.paidLate && <Text size="xs">{t('allOrders.paidLate')}</Text>}
              </Stack>
            ),
          },
          { title: t('allOrders.paid'), from: 'md', cell: ({ paidAt }) => <Time at={paidAt} /> },
        ]}
      />
      <Details title={t('allOrders.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <OrderDetails orderNo={shown} />}
      </Details>
    </Page>
  );
}

function FindOrder({ onFound }: { onFound: (orderNo: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== '') onFound(typed.trim());
      }}
    >
      <TextInput
        label={t('allOrders.find')}
        miw={260}
        value={typed}
        enterKeyHint="search"
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </form>
  );
}
