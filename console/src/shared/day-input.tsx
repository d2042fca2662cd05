/** A day of the installation, chosen from a calendar that ends today. */
import '@mantine/dates/styles.layer.css';
import { DatePickerInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { SETTINGS } from '../settings.ts';
import { today } from './days.ts';

interface DayInputProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (day: string | null) => void;
  readonly clearable?: boolean;
}

/** How calendars write a day and a month. */
export function calendarOf(language: string) {
  return language === 'zh'
    ? { locale: 'zh-cn', day: 'YYYY年M月D日', month: 'YYYY年M月' }
    : { locale: 'en', day: 'MMMM D, YYYY', month: 'MMMM YYYY' };
}

export function DayInput({ label, value, onChange, clearable = false }: DayInputProps) {
  const { i18n } = useTranslation();
  const { locale, day, month } = calendarOf(i18n.language);
  const last = today(SETTINGS.timeZone);
  return (
    <DatePickerInput
      {...{ label, locale, clearable, valueFormat: day, monthLabelFormat: month }}
      miw={150}
      value={value ?? null}
      onChange={onChange}
      defaultDate={value ?? last}
      maxDate={last}
    />
  );
}
