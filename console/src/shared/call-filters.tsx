/** Filters of lists of calls: the outcome, and the days. */
import '@mantine/dates/styles.layer.css';
import { Select } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { useFilters } from './filters.ts';

const NAMES = ['outcome', 'from', 'until'] as const;
type Filters = ReturnType<typeof useFilters<(typeof NAMES)[number]>>;

/** The viewer's days as the API takes times. */
export function useCallFilters() {
  const { values, set } = useFilters(NAMES);
  const query = {
    ...(values.outcome === undefined ? {} : { isSuccess: values.outcome === 'succeeded' }),
    ...(values.from === undefined ? {} : { startTime: dayjs(values.from).startOf('day').toISOString() }),
    ...(values.until === undefined ? {} : { endTime: dayjs(values.until).endOf('day').toISOString() }),
  };
  return { values, set, query };
}

export function CallFilters({ values, set }: Pick<Filters, 'values' | 'set'>) {
  const { t, i18n } = useTranslation();
  return (
    <>
      <Select
        label={t('calls.outcome')}
        placeholder={t('models.all')}
        clearable
        data={(['succeeded', 'failed'] as const).map((value) => ({ value, label: t(`status.${value}`) }))}
        value={values.outcome ?? null}
        onChange={(value) => set('outcome', value)}
      />
      <DatePickerInput
        label={t('calls.from')}
        locale={i18n.language === 'zh' ? 'zh-cn' : 'en'}
        clearable
        miw={150}
        value={values.from ?? null}
        onChange={(value) => set('from', value)}
      />
      <DatePickerInput
        label={t('calls.until')}
        locale={i18n.language === 'zh' ? 'zh-cn' : 'en'}
        clearable
        miw={150}
        value={values.until ?? null}
        onChange={(value) => set('until', value)}
      />
    </>
  );
}
