/** Filters that lists of calls have alike: the outcome, the days, the model. */
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { useAllModels } from './all-models.ts';
import { Choice, NamedChoice } from './choice.tsx';
import { DayRange } from './day-input.tsx';
import { readDay, timesOf } from './days.ts';
import { useFilters } from './filters.ts';

const NAMES = ['outcome', 'from', 'until', 'modelId', 'accessKeyId'] as const;
const OUTCOMES = ['succeeded', 'failed', 'refused'] as const;
const STATUSES = { succeeded: 'SUCCEEDED', failed: 'FAILED', refused: 'REFUSED' } as const;
/** Why a provider's count of a call is in doubt. */
export const DOUBTS = ['missing', 'impossible', 'too-small', 'too-large', 'unexplained'] as const;
type Filters = ReturnType<typeof useFilters<(typeof NAMES)[number]>>;

/** As the API takes them; an outcome or a day that stands in an address and is none is ignored. */
export function useCallFilters() {
  const { values, settled, set } = useFilters(NAMES);
  const { outcome: asked, from, until, ...ids } = settled;
  const outcome = OUTCOMES.find((name) => name === asked);
  const query = {
    ...(outcome === undefined ? {} : { status: STATUSES[outcome] }),
    ...timesOf(readDay(from), readDay(until)),
    ...ids,
  };
  return { values, set, query };
}

export function CallFilters({ values, set }: Pick<Filters, 'values' | 'set'>) {
  const { t } = useTranslation();
  const models = useAllModels();
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
      <NamedChoice
        label={t('field.model')}
        options={models.data?.map(({ id, modelIdentifier }) => ({ id, name: modelIdentifier }))}
        value={values.modelId}
        onChange={(id) => set('modelId', id)}
      />
    </>
  );
}

/** The log of a later version may know others. */
export function doubtText(t: TFunction, doubt: string): string {
  const known = DOUBTS.find((one) => one === doubt);
  return known === undefined ? doubt : t(`doubt.${known}`);
}
