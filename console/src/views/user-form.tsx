/** The form of a new user. */
import { Button, Group, PasswordInput, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { User } from '../api/generated/schema.ts';
import { fieldErrors, orNull } from '../shared/form.ts';
import { useRequestKey } from '../shared/request-key.ts';

export const ROLES: readonly User['role'][] = ['ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'];

export function UserForm({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  const form = useForm({ initialValues: { username: '', password: '', email: '', role: ROLES[0], balance: '' } });
  const create = api.useMutation('post', '/v1/users', {
    onSuccess: onDone,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const send = form.onSubmit(({ balance, ...fields }) => create.mutate(keyed({ ...fields, balance: orNull(balance) })));
  return (
    <form onSubmit={send}>
      <Stack>
        <TextInput label={t('field.username')} required data-autofocus {...form.getInputProps('username')} />
        <PasswordInput
          label={t('field.password')}
          required
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
          {...form.getInputProps('password')}
        />
        <TextInput label={t('field.email')} type="email" {...form.getInputProps('email')} />
        <Select
          label={t('field.role')}
          allowDeselect={false}
          data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
          {...form.getInputProps('role')}
        />
        <TextInput label={t('users.openingBalance')} inputMode="decimal" {...form.getInputProps('balance')} />
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
