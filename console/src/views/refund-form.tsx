/** A refund of an order, whole or in part. What becomes of the balance is said before it is done. */
import { Alert, Button, Group, Modal, Paper, SegmentedControl, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { OwnedOrder } from '../api/generated/schema.ts';
import { isLess, minus } from '../shared/amounts.ts';
import { Facts } from '../shared/details.tsx';
import { fieldErrors } from '../shared/form.ts';
import { Money, moneyText } from '../shared/money.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { useRequestKey } from '../shared/request-key.ts';

const AMOUNT = /^\d{1,9}(\.\d{1,9})?$/;

interface Asked {
  /** Undefined: all that was left when it was asked. */
  readonly amount: string | undefined;
  readonly left: string;
  readonly reason: string;
}

export function RefundForm({ order, left }: { order: OwnedOrder; left: string }) {
  const { t, i18n } = useTranslation();
  const [asked, setAsked] = useState<Asked>();
  const { keyed, forget } = useRequestKey();
  const form = useForm({
    initialValues: { how: 'whole', amount: '', reason: '' },
    validate: {
      amount: (amount, { how }) => {
        if (how === 'whole') return null;
        if (!AMOUNT.test(amount.trim()) || !isLess('0', amount.trim())) return t('refund.positive');
        return isLess(left, amount.trim()) ? t('refund.most', { amount: moneyText(left, i18n.language) }) : null;
      },
    },
  });
  const refund = api.useMutation('post', '/v1/orders/refund', {
    onSuccess: () => {
      setAsked(undefined);
      forget();
      form.reset();
    },
    onError: (error) => {
      setAsked(undefined);
      form.setErrors(fieldErrors(error));
    },
  });
  // The whole is sent as its amount: whatever was refunded in between, no other sum is taken than the one that was confirmed.
  const send = (amount: string, reason: string) => refund.mutate(keyed({ orderNo: order.orderNo, reason, amount }));
  const check = form.onSubmit(({ how, amount, reason }) =>
    setAsked({ amount: how === 'part' ? amount.trim() : undefined, left, reason: reason.trim() }),
  );
  return (
    <Paper withBorder p="md">
      <form onSubmit={check}>
        <Stack>
          <Title order={3} size="h5">
            {t('refund.title')}
          </Title>
          <SegmentedControl
            aria-label={t('refund.how')}
            data={[
              { value: 'whole', label: t('refund.whole') },
              { value: 'part', label: t('refund.part') },
            ]}
            {...form.getInputProps('how')}
          />
          {form.values.how === 'part' && (
            <TextInput label={t('field.amount')} inputMode="decimal" required {...form.getInputProps('amount')} />
          )}
          <TextInput
            label={t('field.reason')}
            description={t('refund.reasonAbout')}
            required
            maxLength={255}
            {...form.getInputProps('reason')}
          />
          <Group justify="flex-end">
            <Button type="submit">{t('refund.check')}</Button>
          </Group>
        </Stack>
      </form>
      <Modal opened={asked !== undefined} onClose={() => setAsked(undefined)} title={t('refund.title')}>
        {asked && (
          <Question
            order={order}
            left={asked.left}
            amount={asked.amount}
            busy={refund.isPending}
            onCancel={() => setAsked(undefined)}
            onConfirm={(amount) => send(amount, asked.reason)}
          />
        )}
      </Modal>
    </Paper>
  );
}

interface QuestionProps {
  readonly order: OwnedOrder;
  readonly left: string;
  readonly amount: string | undefined;
  readonly busy: boolean;
  readonly onCancel: () => void;
  /** @param amount as it was shown. */
  readonly onConfirm: (amount: string) => void;
}

function Question({ order, left, amount, busy, onCancel, onConfirm }: QuestionProps) {
  const { t, i18n } = useTranslation();
  const owner = api.useQuery('get', '/v1/users/{id}', { params: { path: { id: order.userId } } });
  if (!owner.data) return <NotLoaded query={owner} />;
  const { balance } = owner.data.user;
  const wanted = amount ?? left;
  const isShort = isLess(balance, wanted);
  const taken = amount === undefined && isShort ? balance : wanted;
  const text = (value: string) => moneyText(value, i18n.language);
  return (
    <Stack>
      <Text size="sm">{t('refund.question', { amount: text(taken), name: order.username })}</Text>
      <Facts
        facts={{
          [t('refund.before')]: <Money amount={balance} />,
          [t('refund.after')]: isShort && amount !== undefined ? '–' : <Money amount={minus(balance, taken)} bold />,
          [t('allOrders.left')]: <Money amount={minus(left, taken)} />,
        }}
      />
      {isShort && (
        <Alert color="orange" variant="outline">
          {t(amount === undefined ? 'refund.short' : 'refund.tooMuch', { amount: text(balance) })}
        </Alert>
      )}
      <Text size="sm" c="dimmed">
        {t('refund.outside')}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {t('action.cancel')}
        </Button>
        <Button color="red" loading={busy} disabled={!isLess('0', taken)} onClick={() => onConfirm(taken)}>
          {t('refund.confirm', { amount: text(taken) })}
        </Button>
      </Group>
    </Stack>
  );
}
