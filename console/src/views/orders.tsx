/** The user's orders: paid, they become balance. */
import { Anchor, Button, Group, Modal, Stack, Text, TextInput, Timeline } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Order } from '../api/generated/schema.ts';
import { SETTINGS } from '../settings.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { usePage, useShown } from '../shared/filters.ts';
import { fieldErrors } from '../shared/form.ts';
import { Id } from '../shared/id.tsx';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { useRequestKey } from '../shared/request-key.ts';
import { orderStatus, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';

const PAGE_ROWS = 20;
/** While an order is open, its state and the time that is left are asked again. */
const OPEN_ORDER_MS = 5_000;
const MINUTE_MS = 60_000;

export default function Orders() {
  const { t } = useTranslation();
  const pages = usePage();
  const [creating, creation] = useDisclosure();
  const { shown, show, close } = useShown('order');
  const query = { pageNum: pages.page, pageSize: PAGE_ROWS, sortBy: 'id' as const, sortOrder: 'desc' };
  const orders = api.useQuery(
    'get',
    '/v1/orders/my',
    { params: { query } },
    { refetchInterval: ({ state }) => (state.data?.records.some(isOpen) ? OPEN_ORDER_MS : false) },
  );
  return (
    <Page
      title={t('orders.title')}
      about={t('orders.about')}
      actions={<Button onClick={creation.open}>{t('orders.create')}</Button>}
    >
      <DataTable
        label={t('orders.title')}
        query={orders}
        rows={orders.data?.records}
        rowKey={({ orderNo }) => orderNo}
        empty={t('orders.none')}
        pages={<Pages {...pages} of={orders.data} />}
        columns={[
          {
            title: t('field.createdAt'),
            cell: ({ orderNo, createdAt }) => (
              <Anchor component="button" size="sm" onClick={() => show(orderNo)}>
                <Time at={createdAt} />
              </Anchor>
            ),
          },
          { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
          { title: t('field.status'), cell: (order) => <OrderStatus {...order} /> },
          { title: t('field.actions'), align: 'end', cell: (order) => isOpen(order) && <OpenOrder {...order} /> },
        ]}
      />
      <Modal opened={creating} onClose={creation.close} title={t('orders.create')}>
        <OrderForm onDone={creation.close} />
      </Modal>
      <Details title={t('orders.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <OrderDetails orderNo={shown} />}
      </Details>
    </Page>
  );
}

function isOpen({ status }: Order): boolean {
  return status === 'PENDING';
}

function OrderStatus(order: Order) {
  const { t } = useTranslation();
  const { refundedAmount, expiresAt } = order;
  const minutes = Math.max(0, Math.ceil((new Date(expiresAt).getTime() - Date.now()) / MINUTE_MS));
  return (
    <Stack gap={2}>
      <StatusBadge status={orderStatus(order)} />
      {isOpen(order) && (
        <Text size="xs" c="dimmed">
          {t('orders.timeLeft', { count: minutes })}
        </Text>
      )}
      {refundedAmount !== undefined && Number(refundedAmount) > 0 && (
        <Text size="xs" c="dimmed">
          {t('orders.refunded')} <Money amount={refundedAmount} />
        </Text>
      )}
    </Stack>
  );
}

/** What has happened to it so far. */
function OrderDetails({ orderNo }: { orderNo: string }) {
  const { t } = useTranslation();
  const found = api.useQuery(
    'get',
    '/v1/orders/get',
    { params: { query: { orderNo } } },
    { refetchInterval: ({ state }) => (state.data && isOpen(state.data) ? OPEN_ORDER_MS : false) },
  );
  if (!found.data) return <NotLoaded query={found} />;
  const order = found.data;
  const { amount, status, reason, createdAt, updatedAt, paidAt, paidLate, refundedAmount, expiresAt } = order;
  const isRefunded = refundedAmount !== undefined && Number(refundedAmount) > 0;
  const events = [
    { title: t('orders.event.made'), at: createdAt },
    ...(isOpen(order) ? [{ title: t('orders.event.expires'), at: expiresAt }] : []),
    ...(paidAt === undefined
      ? []
      : [{ title: t(paidLate ? 'orders.event.paidLate' : 'orders.event.paid'), at: paidAt }]),
    ...(status === 'FAILED' ? [{ title: t('orders.event.failed'), at: updatedAt, note: reason }] : []),
    ...(isRefunded ? [{ title: t('orders.event.refunded'), at: updatedAt, note: reason, amount: refundedAmount }] : []),
  ];
  return (
    <>
      <Group justify="space-between">
        <Text size="xl" fw={700}>
          <Money amount={amount} />
        </Text>
        <StatusBadge status={orderStatus(order)} />
      </Group>
      <Id id={orderNo} />
      <Timeline active={isOpen(order) ? 0 : events.length} bulletSize={16} lineWidth={2}>
        {events.map(({ title, at, note, amount: moved }) => (
          <Timeline.Item key={title} title={title}>
            <Text size="sm" c="dimmed">
              <Time at={at} />
              {moved !== undefined && (
                <>
                  {' · '}
                  <Money amount={moved} />
                </>
              )}
            </Text>
            {note !== undefined && <Text size="sm">{note}</Text>}
          </Timeline.Item>
        ))}
      </Timeline>
      {isOpen(order) && <OpenOrder {...order} />}
    </>
  );
}

function OpenOrder({ orderNo }: Order) {
  const { t } = useTranslation();
  const pay = api.useMutation('post', '/v1/orders/pay-success');
  const cancel = api.useMutation('post', '/v1/orders/cancel');
  return (
    <Group gap="xs" justify="flex-end">
      {SETTINGS.paymentSandbox && (
        <Button
          size="compact-sm"
          loading={pay.isPending}
          aria-label={`${t('orders.pay')}: ${orderNo}`}
          onClick={() => pay.mutate({ body: { orderNo } })}
        >
          {t('orders.pay')}
        </Button>
      )}
      <ConfirmButton
        label={t('orders.cancel')}
        about={orderNo}
        question={t('orders.cancelQuestion')}
        onConfirm={() => cancel.mutateAsync({ body: { orderNo } })}
      />
    </Group>
  );
}

function OrderForm({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  const form = useForm({ initialValues: { amount: '' } });
  const create = api.useMutation('post', '/v1/orders', {
    onSuccess: onDone,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const send = form.onSubmit(({ amount }) => create.mutate(keyed({ amount })));
  return (
    <form onSubmit={send}>
      <Stack>
        <TextInput
          label={`${t('field.amount')} (${SETTINGS.currency})`}
          inputMode="decimal"
          required
          data-autofocus
          {...form.getInputProps('amount')}
        />
        <Text size="sm" c="dimmed">
          {t(SETTINGS.paymentSandbox ? 'orders.sandbox' : 'orders.provider')}
        </Text>
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            {t('orders.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
