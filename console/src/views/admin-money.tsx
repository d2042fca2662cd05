/** What was paid in, used and given back on each of the last days, exact. */
import { Stack, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { operations } from '../api/generated/schema.ts';
import { locale } from '../language/language.ts';
import { sumOf } from '../shared/amounts.ts';
import { DataTable } from '../shared/data-table.tsx';
import { dayText } from '../shared/days.ts';
import { Money } from '../shared/money.tsx';

const DAYS = 7;
/** The figures at a glance and these are of one route. */
export const OVERVIEW_MS = 15_000;

type Movement = operations['getAdminOverview']['responses']['200']['content']['application/json']['movements'][number];

/** As the gateway sees it: what an account loses by a charge has been used. */
const COLUMNS = {
  paidIn: { kinds: ['top_up'], turned: false },
  used: { kinds: ['charge', 'overrun'], turned: true },
  givenBack: { kinds: ['refund', 'chargeback'], turned: true },
  granted: { kinds: ['grant', 'adjustment'], turned: false },
} as const satisfies Record<string, { kinds: readonly Movement['kind'][]; turned: boolean }>;

function turned(amount: string): string {
  if (amount === '0') return amount;
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
}

function amountOf(
  movements: readonly Movement[],
  { kinds, turned: isTurned }: (typeof COLUMNS)['used' | 'paidIn' | 'givenBack' | 'granted'],
) {
  const all: readonly Movement['kind'][] = kinds;
  const amount = sumOf(movements.filter(({ kind }) => all.includes(kind)).map((movement) => movement.amount));
  return isTurned ? turned(amount) : amount;
}

export function MoneyByDay() {
  const { t } = useTranslation();
  const query = { days: DAYS };
  const whole = api.useQuery('get', '/v1/admin/overview', { params: { query } }, { refetchInterval: OVERVIEW_MS });
  const days = whole.data && [...Map.groupBy(whole.data.movements, ({ date }) => date)].toReversed();
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('admin.moneyByDay')}
      </Title>
      <DataTable
        label={t('admin.moneyByDay')}
        query={whole}
        rows={days}
        rowKey={([date]) => date}
        empty={t('admin.noMoney')}
        columns={[
          {
            title: t('spend.group.day'),
            cell: ([date]) => dayText(date, locale()),
          },
          ...(['paidIn', 'used', 'givenBack', 'granted'] as const).map((name) => ({
            ...{ title: t(`admin.${name}`), align: 'end' as const },
            cell: ([, movements]: readonly [string, readonly Movement[]]) => (
              <Money amount={amountOf(movements, COLUMNS[name])} />
            ),
          })),
        ]}
      />
    </Stack>
  );
}
