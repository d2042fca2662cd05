/** Who one is, and another password. */
import { Button, Paper, PasswordInput, Stack, Table, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { signOut, useUser } from '../session.tsx';
import { fieldErrors } from '../shared/form.ts';
import { Page } from '../shared/page.tsx';
import { Time } from '../shared/time.tsx';

export default function Profile() {
  const { t } = useTranslation();
  const user = useUser();
  const form = useForm({ initialValues: { oldPassword: '', newPassword: '' } });
  const change = api.useMutation('post', '/v1/auth/change-password', {
    onSuccess: signOut,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const toggle = { visibilityToggleButtonProps: { 'aria-label': t('signIn.showPassword') } };
  return (
    <Page title={t('profile.title')}>
      <Paper withBorder maw={560}>
        <Table variant="vertical" withRowBorders verticalSpacing="sm" aria-label={t('profile.title')}>
          <Table.Tbody>
            <Table.Tr>
              <Table.Th>{t('field.username')}</Table.Th>
              <Table.Td>{user.username}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Th>{t('field.email')}</Table.Th>
              <Table.Td>{user.email ?? '–'}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Th>{t('field.role')}</Table.Th>
              <Table.Td>{t(`role.${user.role}`)}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Th>{t('field.createdAt')}</Table.Th>
              <Table.Td>
                <Time at={user.createdAt} />
              </Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
      </Paper>
      <Title order={2} size="h4">
        {t('profile.password')}
      </Title>
      <form onSubmit={form.onSubmit((body) => change.mutate({ body }))}>
        <Stack maw={400} align="stretch">
          <PasswordInput
            label={t('profile.oldPassword')}
            autoComplete="current-password"
            required
            {...toggle}
            {...form.getInputProps('oldPassword')}
          />
          <PasswordInput
            label={t('profile.newPassword')}
            description={t('profile.newPasswordAbout')}
            autoComplete="new-password"
            required
            {...toggle}
            {...form.getInputProps('newPassword')}
          />
          <Button type="submit" loading={change.isPending}>
            {t('action.save')}
          </Button>
        </Stack>
      </form>
    </Page>
  );
}
