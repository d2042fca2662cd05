/** Filters of lists of calls: the outcome, and the days. */
import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DayInput } from './day-input.tsx';
import { readDay, timesOf } from './days.ts';
import { useFilters } from './filters.ts';

const NAMES = ['outcome', 'from', 'until'] as const;
const OUTCOMES = ['succeeded', 'failed'] as const;
type Filters = ReturnType<typeof useFilters<(typeof NAMES)[number]>>;

/** As the API takes them; what stands in an address and is no such value is ignored. */
export function useCallFilters() {
  const { values, set } = useFilters(NAMES);
  const outcome = OUTCOMES.find((name) => name === values.outcome);
  const query = {
    ...(outcome === undefined ? {} : { isSuccess: outcome === 'succeeded' }),
    ...timesOf(readDay(values.from), readDay(values.until)),
  };
  return { values, set, query };
}

export function CallFilters({ values, set }: Pick<Filters, 'values' | 'set'>) {
  const { t } = useTranslation();
  return (
    <>
      <Select
        label={t('calls.outcome')}
        placeholder={t('models.all')}
        clearable
        data={OUTCOMES.map((value) => ({ value, label: t(`status.${value}`) }))}
        value={OUTCOMES.find((name) => name === values.outcome) ?? null}
        onChange={(value) => set('outcome', value)}
      />
      {(['from', 'until'] as const).map((name) => (
        <DayInput
          key={name}
          label={t(`calls.${name}`)}
          clearable
          value={readDay(values[name])}
          onChange={(value) => set(name, value)}
        />
      ))}
    </>
  );
}
