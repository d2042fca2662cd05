/** A change of a user's balance by hand. What becomes of the balance is said before it is done. */
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { User } from '../api/generated/schema.ts';
import { isLess, sumOf } from '../shared/amounts.ts';
import { Facts } from '../shared/details.tsx';
import { fieldErrors } from '../shared/form.ts';
import { Money, moneyText } from '../shared/money.tsx';
import { useRequestKey } from '../shared/request-key.ts';

const AMOUNT = /^-?\d{1,9}(\.\d{1,9})?$/;
const LONGEST_REASON = 255;

export function BalanceForm({ user }: { user: Pick<User, 'id' | 'username' | 'balance'> }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<{ readonly amount: string; readonly reason: string }>();
  const { keyOf, forget } = useRequestKey();
  const form = useForm({
    initialValues: { amount: '', reason: '' },
    validate: {
      amount: (amount) =>
        AMOUNT.test(amount.trim()) && sumOf([amount.trim()]) !== '0' ? null : t('users.adjustAmount'),
    },
  });
  const adjust = api.useMutation('post', '/v1/users/{id}/adjust-balance', {
    onSuccess: () => {
      form.reset();
      forget();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
    onSettled: () => setAsked(undefined),
  });
  const check = form.onSubmit(({ amount, reason }) => setAsked({ amount: amount.trim(), reason: reason.trim() }));
  const send = (body: { readonly amount: string; readonly reason: string }) => {
    const header = { 'Idempotency-Key': keyOf(body) };
    adjust.mutate({ params: { path: { id: user.id }, header }, body });
  };
  return (
    <form onSubmit={check}>
      <Group align="end">
        <TextInput
          label={t('users.adjust')}
          description={t('users.adjustAbout')}
          inputMode="text"
          required
          {...form.getInputProps('amount')}
        />
        <TextInput
          label={t('field.reason')}
          required
          maxLength={LONGEST_REASON}
          flex={1}
          miw={160}
          {...form.getInputProps('reason')}
        />
        <Button type="submit">{t('users.book')}</Button>
      </Group>
      <Modal opened={asked !== undefined} onClose={() => setAsked(undefined)} title={t('users.book')}>
        {asked && (
          <Question
            user={user}
            amount={asked.amount}
            busy={adjust.isPending}
            onCancel={() => setAsked(undefined)}
            onConfirm={() => send(asked)}
          />
        )}
      </Modal>
    </form>
  );
}

interface QuestionProps {
  readonly user: Pick<User, 'username' | 'balance'>;
  readonly amount: string;
  readonly busy: boolean;
  readonly onCancel: () => void;
  readonly onConfirm: () => void;
}

function Question({ user: { username, balance }, amount, busy, onCancel, onConfirm }: QuestionProps) {
  const { t, i18n } = useTranslation();
  const isTaken = amount.startsWith('-');
  const text = moneyText(isTaken ? amount.slice(1) : amount, i18n.language);
  const after = sumOf([balance, amount]);
  return (
    <Stack>
      <Text size="sm">
        {t(isTaken ? 'users.takeQuestion' : 'users.giveQuestion', { amount: text, name: username })}
      </Text>
      <Facts
        facts={{
          [t('refund.before')]: <Money amount={balance} />,
          [t('refund.after')]: isLess(after, '0') ? '–' : <Money amount={after} bold />,
        }}
      />
      {isLess(after, '0') && (
        <Text size="sm" c="red">
          {t('users.tooMuch')}
        </Text>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {t('action.cancel')}
        </Button>
        <Button color={isTaken ? 'red' : undefined} loading={busy} disabled={isLess(after, '0')} onClick={onConfirm}>
          {t(isTaken ? 'users.take' : 'users.give', { amount: text })}
        </Button>
      </Group>
    </Stack>
  );
}
