/** Filters of lists: one value of several, or all; one thing of many; and a text. */
import { Select, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { MOST_OPTIONS } from './all-models.ts';

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
      limit={MOST_OPTIONS}
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

interface NamedChoiceProps {
  readonly label: string;
  /** What there is to choose from; undefined while it is asked for. */
  readonly options: readonly { readonly id: number; readonly name: string }[] | undefined;
  /** An id in an address may be of something that is not in the list any more: it is shown as a number. */
  readonly value: string | undefined;
  readonly onChange: (id: string | null) => void;
}

/** One of many by its name; its id is what is asked for. */
export function NamedChoice({ label, options, value, onChange }: NamedChoiceProps) {
  const { t } = useTranslation();
  const known = options?.map(({ id, name }) => ({ value: String(id), label: name })) ?? [];
  const isUnknown = value !== undefined && !known.some((option) => option.value === value);
  return (
    <Select
      {...{ label, onChange }}
      placeholder={t('models.all')}
      searchable
      clearable
      limit={MOST_OPTIONS}
      nothingFoundMessage={t('state.noMatch')}
      data={isUnknown ? [{ value, label: `#${value}` }, ...known] : known}
      value={value ?? null}
    />
  );
}
