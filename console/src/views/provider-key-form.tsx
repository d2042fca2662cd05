/** Forms of a provider's key: a new one, and what can be changed of one. */
import { Button, Group, NumberInput, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { ProviderKey } from '../api/generated/schema.ts';
import { changedFields } from '../shared/changed-fields.ts';
import { fieldErrors } from '../shared/form.ts';
import { useRequestKey } from '../shared/request-key.ts';

const MOST_WEIGHT = 1_000;

/** A key that is entered again comes back with the name and weight that it had. */
export function NewKeyForm({ providerId, onDone }: { providerId: number; onDone: () => void }) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  const form = useForm({ initialValues: { apiKey: '', name: '', weight: 1 } });
  const create = api.useMutation('post', '/v1/providers/keys', {
    onSuccess: onDone,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const send = form.onSubmit((values) => create.mutate(keyed({ providerId, ...values })));
  return (
    <form onSubmit={send}>
      <Stack>
        <PasswordInput
          label={t('providers.apiKey')}
          description={t('providers.apiKeyAbout')}
          required
          data-autofocus
          autoComplete="off"
          visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
          {...form.getInputProps('apiKey')}
        />
        <Group grow align="end">
          <TextInput label={t('field.name')} maxLength={100} {...form.getInputProps('name')} />
          <Weight {...form.getInputProps('weight')} />
        </Group>
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            {t('providerKeys.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Weight(props: ReturnType<ReturnType<typeof useForm>['getInputProps']>) {
  const { t } = useTranslation();
  return (
    <NumberInput
      label={t('providerKeys.weight')}
      title={t('providerKeys.weightAbout')}
      min={1}
      max={MOST_WEIGHT}
      allowDecimal={false}
      required
      {...props}
    />
  );
}

export function KeyChangeForm({
  providerKey,
  onDone,
}: {
  providerKey: Pick<ProviderKey, 'id' | 'name' | 'weight'>;
  onDone: () => void;
}) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { name: providerKey.name, weight: providerKey.weight } });
  const change = api.useMutation('patch', '/v1/providers/keys/{keyId}', {
    onSuccess: onDone,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const send = form.onSubmit((values) => {
    const body = changedFields(form.getInitialValues(), values);
    change.mutate({ params: { path: { keyId: providerKey.id } }, body });
  });
  return (
    <form onSubmit={send}>
      <Stack>
        <TextInput label={t('field.name')} maxLength={100} data-autofocus {...form.getInputProps('name')} />
        <Weight {...form.getInputProps('weight')} />
        <Group justify="flex-end">
          <Button type="submit" loading={change.isPending}>
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
