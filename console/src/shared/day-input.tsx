/** Days of the installation, chosen from calendars that end today. */
import '@mantine/dates/styles.layer.css';
import { DatePickerInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { locale } from '../language/language.ts';
import { SETTINGS } from '../settings.ts';
import { today } from './days.ts';

const ENDS = ['from', 'until'] as const;
type End = (typeof ENDS)[number];

interface DayRangeProps {
  readonly days: Readonly<Partial<Record<End, string | undefined>>>;
  readonly onChange: (end: End, day: string | null) => void;
  readonly clearable?: boolean;
}

/** How calendars write a day and a month. */
export function calendarOf(language: string) {
  return language === 'zh'
    ? { locale: 'zh-cn', day: 'YYYY年M月D日', month: 'YYYY年M月' }
    : { locale: 'en', day: locale() === 'en-US' ? 'MMMM D, YYYY' : 'D MMMM YYYY', month: 'MMMM YYYY' };
}

/** A first and a last day: the calendars offer none that would be before or after the other. */
export function DayRange({ days, onChange, clearable = false }: DayRangeProps) {
  const { t, i18n } = useTranslation();
  const calendar = calendarOf(i18n.language);
  const last = today(SETTINGS.timeZone);
  return ENDS.map((end) => (
    <DatePickerInput
      key={end}
      label={t(`calls.${end}`)}
      locale={calendar.locale}
      clearable={clearable}
      valueFormat={calendar.day}
      monthLabelFormat={calendar.month}
      miw={150}
      value={days[end] ?? null}
      onChange={(chosen) => onChange(end, chosen)}
      defaultDate={days[end] ?? last}
      minDate={end === 'until' ? days.from : undefined}
      maxDate={end === 'from' ? (days.until ?? last) : last}
    />
  ));
}
