/** The form of a provider that is made by hand, or changed. */
import { Button, Group, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Provider } from '../api/generated/schema.ts';
import { changedFields } from '../shared/changed-fields.ts';
import { fieldErrors } from '../shared/form.ts';
import { useRequestKey } from '../shared/request-key.ts';

const KINDS: readonly Provider['kind'][] = ['openai', 'anthropic', 'dashscope', 'ark'];

/** @param props.onDone gets the id of the provider. */
export function ProviderForm({ edited, onDone }: { edited?: Provider; onDone: (id: number) => void }) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  const kind: Provider['kind'] | null = edited?.kind ?? null;
  const form = useForm({ initialValues: { name: edited?.name ?? '', urlBase: edited?.urlBase ?? '', kind } });
  const handling = {
    onSuccess: ({ id }: Provider) => onDone(id),
    onError: (error: unknown) => form.setErrors(fieldErrors(error)),
  };
  const create = api.useMutation('post', '/v1/providers', handling);
  const change = api.useMutation('put', '/v1/providers/{id}', handling);
  const send = form.onSubmit((body) => {
    const changed = () => changedFields(form.getInitialValues(), body);
    if (edited) change.mutate({ params: { path: { id: edited.id } }, body: changed() });
    else create.mutate(keyed(body));
  });
  return (
    <form onSubmit={send}>
      <Stack>
        <TextInput label={t('field.name')} required data-autofocus maxLength={100} {...form.getInputProps('name')} />
        <TextInput
          label={t('providers.address')}
          description={edited && t('providers.addressAbout')}
          type="url"
          required
          placeholder="https://api.example.com/v1"
          {...form.getInputProps('urlBase')}
        />
        <Select
          label={t('providers.format')}
          placeholder={t('providers.formatAuto')}
          clearable={!edited}
          allowDeselect={!edited}
          data={[...KINDS]}
          {...form.getInputProps('kind')}
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
