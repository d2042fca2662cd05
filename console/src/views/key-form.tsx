/** The form of an access key, new or changed. Empty limits are none. */
import '@mantine/dates/styles.layer.css';
import { Button, Group, MultiSelect, NumberInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { AccessKey } from '../api/generated/schema.ts';
import { MOST_OPTIONS, useAllModels } from '../shared/all-models.ts';
import { changedFields } from '../shared/changed-fields.ts';
import { fieldErrors, orNull } from '../shared/form.ts';
import { useRequestKey } from '../shared/request-key.ts';

const MOST_TAG = 40;
const PERIODS = ['day', 'month', 'total'] as const;

function initialValues(edited: AccessKey | undefined) {
  return {
    name: edited?.name ?? '',
    tag: edited?.tag ?? '',
    expiresAt: edited?.expiresAt ?? null,
    allowedModels: [...(edited?.allowedModels ?? [])],
    rpmLimit: edited?.rpmLimit ?? '',
    tpmLimit: edited?.tpmLimit ?? '',
    parallelLimit: edited?.parallelLimit ?? '',
    budget: edited?.budget ?? '',
    budgetPeriod: edited?.budgetPeriod ?? 'month',
  };
}

function bodyOf(values: ReturnType<typeof initialValues>) {
  const budget = orNull(values.budget);
  return {
    name: orNull(values.name),
    tag: orNull(values.tag),
    expiresAt: values.expiresAt === null ? null : new Date(values.expiresAt).toISOString(),
    allowedModels: values.allowedModels.length === 0 ? null : values.allowedModels,
    rpmLimit: orNull(values.rpmLimit),
    tpmLimit: orNull(values.tpmLimit),
    parallelLimit: orNull(values.parallelLimit),
    budget,
    budgetPeriod: budget === null ? null : values.budgetPeriod,
  };
}

/** @param props.onDone gets the value of a key that was made. */
export function KeyForm({ edited, onDone }: { edited: AccessKey | undefined; onDone: (keyValue?: string) => void }) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  const models = useAllModels();
  const form = useForm({ initialValues: initialValues(edited) });
  const onError = (error: unknown) => form.setErrors(fieldErrors(error));
  const create = api.useMutation('post', '/v1/access-keys', { onSuccess: ({ keyValue }) => onDone(keyValue), onError });
  const change = api.useMutation('patch', '/v1/access-keys/{id}', { onSuccess: () => onDone(), onError });
  const send = form.onSubmit((values) => {
    const body = bodyOf(values);
    const changed = () => changedFields(bodyOf(form.getInitialValues()), body);
    if (edited) change.mutate({ params: { path: { id: edited.id } }, body: changed() });
    else create.mutate(keyed(body));
  });
  return (
    <form onSubmit={send}>
      <Stack>
        <TextInput label={t('field.name')} data-autofocus maxLength={100} {...form.getInputProps('name')} />
        <TextInput
          label={t('field.tag')}
          description={t('keys.tagAbout')}
          maxLength={MOST_TAG}
          {...form.getInputProps('tag')}
        />
        <MultiSelect
          label={t('keys.allowedModels')}
          description={t('keys.allowedModelsAbout')}
          data={models.data?.map(({ modelIdentifier }) => modelIdentifier) ?? []}
          limit={MOST_OPTIONS}
          searchable
          clearable
          {...form.getInputProps('allowedModels')}
        />
        <SimpleGrid cols={{ base: 1, xs: 3 }} style={{ alignItems: 'end' }}>
          <NumberInput label={t('keys.rpmLimit')} min={1} allowDecimal={false} {...form.getInputProps('rpmLimit')} />
          <NumberInput label={t('keys.tpmLimit')} min={1} allowDecimal={false} {...form.getInputProps('tpmLimit')} />
          <NumberInput
            label={t('keys.parallelLimit')}
            min={1}
            allowDecimal={false}
            {...form.getInputProps('parallelLimit')}
          />
        </SimpleGrid>
        <SimpleGrid cols={2}>
          <TextInput label={t('keys.budget')} inputMode="decimal" {...form.getInputProps('budget')} />
          <Select
            label={t('keys.budgetPeriod')}
            data={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
            allowDeselect={false}
            {...form.getInputProps('budgetPeriod')}
          />
        </SimpleGrid>
        <DateTimePicker
          label={t('field.expiresAt')}
          placeholder={t('keys.never')}
          clearable
          minDate={new Date()}
          {...form.getInputProps('expiresAt')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending || change.isPending}>
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
