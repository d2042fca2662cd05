/** Filters of lists: one value of several, or all; and a text. */
import { Select, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly values: readonly Value[];
  readonly textOf: (value: Value) => string;
  readonly value: string | undefined;
  readonly onChange: (value: Value | null) => void;
  readonly searchable?: boolean;
}

export function Choice<Value extends string>(props: ChoiceProps<Value>) {
  const { t } = useTranslation();
  const { label, values, textOf, value, onChange, searchable } = props;
  return (
    <Select
      {...{ label, searchable, onChange }}
      placeholder={t('models.all')}
      clearable
      data={values.map((one) => ({ value: one, label: textOf(one) }))}
      value={values.find((one) => one === value) ?? null}
    />
  );
}

interface TextFilterProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (text: string) => void;
  readonly width?: number;
}

export function TextFilter({ label, value, onChange, width = 200 }: TextFilterProps) {
  return (
    <TextInput label={label} w={width} value={value ?? ''} onChange={(event) => onChange(event.currentTarget.value)} />
  );
}
