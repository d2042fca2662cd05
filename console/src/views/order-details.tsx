/** One order: its money, what payment providers said, its refunds, and the next refund. */
import { SimpleGrid, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { SETTINGS } from '../settings.ts';
import { isLess, minus } from '../shared/amounts.ts';
import { DataTable } from '../shared/data-table.tsx';
import { Facts, TemporalLink } from '../shared/details.tsx';
import { Figure } from '../shared/figure.tsx';
import { Id, lookupOf } from '../shared/id.tsx';
import { Money } from '../shared/money.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { orderStatus, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserLink } from '../shared/user-filter.tsx';
import { RefundForm } from './refund-form.tsx';

export function OrderDetails({ orderNo }: { orderNo: string }) {
  const { t } = useTranslation();
  const found = api.useQuery('get', '/v1/admin/orders/{orderNo}', { params: { path: { orderNo } } });
  if (!found.data) return <NotLoaded query={found} />;
  const { order, paymentEvents, refunds, temporalUrl } = found.data;
  const refunded = order.refundedAmount ?? '0';
  const left = minus(order.amount, refunded);
  const canRefund = order.paidAt !== undefined && isLess('0', left);
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure label={t('field.amount')} value={<Money amount={order.amount} />} />
        <Figure label={t('allOrders.refunded')} value={<Money amount={refunded} />} />
        {order.paidAt !== undefined && <Figure label={t('allOrders.left')} value={<Money amount={left} />} />}
      </SimpleGrid>
      <Facts
        facts={{
          [t('field.status')]: <StatusBadge status={orderStatus(order)} />,
          [t('field.orderNo')]: <Id id={order.orderNo} to={lookupOf(order.orderNo)} />,
          [t('all.user')]: <UserLink userId={order.userId} name={order.username} />,
          [t('field.createdAt')]: <Time at={order.createdAt} />,
          [t('allOrders.paid')]: order.paidAt && <Time at={order.paidAt} />,
          [t('field.note')]: order.paidLate && t('allOrders.paidLate'),
          [t('field.reason')]: order.reason,
          Temporal: <TemporalLink url={temporalUrl} />,
        }}
      />
      {canRefund && <RefundForm order={order} left={left} />}
      <Title order={3} size="h5">
        {t('allOrders.refunds')}
      </Title>
      <DataTable
        label={t('allOrders.refunds')}
        query={found}
        rows={refunds}
        rowKey={({ transferId }) => transferId}
        empty={t('allOrders.noRefunds')}
        columns={[
          { title: t('field.time'), cell: ({ createdAt }) => <Time at={createdAt} /> },
          { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
        ]}
      />
      <Title order={3} size="h5">
        {t('allOrders.events')}
      </Title>
      <DataTable
        label={t('allOrders.events')}
        query={found}
        rows={paymentEvents}
        rowKey={({ provider, eventId }) => `${provider} ${eventId}`}
        empty={t('allOrders.noEvents')}
        columns={[
          { title: t('field.time'), cell: ({ receivedAt }) => <Time at={receivedAt} /> },
          {
            title: t('allOrders.event'),
            cell: ({ kind, provider, eventId }) => (
              <>
                {t(`allOrders.eventKind.${kind ?? 'unknown'}`)}
                <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                  {provider} {eventId}
                </Text>
              </>
            ),
          },
          {
            ...{ title: t('field.amount'), align: 'end' },
            cell: ({ amount, currency }) =>
              currency === null || currency === SETTINGS.currency ? (
                <Money amount={amount} />
              ) : (
                `${amount ?? ''} ${currency}`
              ),
          },
          { title: t('allOrders.outcome'), cell: ({ outcome }) => t(`allOrders.eventOutcome.${outcome}`) },
        ]}
      />
    </>
  );
}
