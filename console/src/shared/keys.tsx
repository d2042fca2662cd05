/** What lists of access keys show alike: what a key is for, and how much of its budget is used. */
import { Badge, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { AccessKey } from '../api/generated/schema.ts';
import { Money, moneyText } from './money.tsx';

const WHOLE = 100;
const NEARLY = 90;
const BAR_PX = 110;

export function KeyTag({ tag }: { tag: string | null }) {
  const { t } = useTranslation();
  if (tag === null) return null;
  return (
    <Badge variant="light" tt="none" fw={500} maw="100%" title={t('field.tag')}>
      {tag}
    </Badge>
  );
}

/** In the running period of the budget; nothing for a key without one. */
export function BudgetUsed({
  budget,
  budgetPeriod,
  budgetUsed,
}: Pick<AccessKey, 'budget' | 'budgetPeriod' | 'budgetUsed'>) {
  const { t, i18n } = useTranslation();
  if (budget === null) return '–';
  const share = Number(budget) === 0 ? WHOLE : (Number(budgetUsed) / Number(budget)) * WHOLE;
  return (
    <Stack gap={2}>
      <Money amount={budgetUsed} />
      <Progress
        value={Math.min(share, WHOLE)}
        color={share >= NEARLY ? 'red' : undefined}
        size="sm"
        w={BAR_PX}
        aria-label={t('keys.used')}
      />
      <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {t('keys.ofBudget', {
          amount: moneyText(budget, i18n.language),
          period: t(`period.${budgetPeriod ?? 'total'}`),
        })}
      </Text>
    </Stack>
  );
}
