/** Filters of lists of calls: the outcome, and the days. */
import { useTranslation } from 'react-i18next';
import { Choice } from './choice.tsx';
import { DayRange } from './day-input.tsx';
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
      <Choice
        label={t('calls.outcome')}
        values={OUTCOMES}
        textOf={(value) => t(`status.${value}`)}
        value={values.outcome}
        onChange={(value) => set('outcome', value)}
      />
      <DayRange days={{ from: readDay(values.from), until: readDay(values.until) }} onChange={set} clearable />
    </>
  );
}
