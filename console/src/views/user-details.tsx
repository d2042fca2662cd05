/** One user as the administrator looks at it: money, last calls, and what can be changed. */
import { Anchor, Button, Group, Paper, Select, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { User } from '../api/generated/schema.ts';
import { calls } from '../shared/call-columns.tsx';
import { ConfirmButton } from '../shared/confirm.tsx';
import { DataTable } from '../shared/data-table.tsx';
import { Figure } from '../shared/figure.tsx';
import { Money } from '../shared/money.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { Secret } from '../shared/secret.tsx';
import { BalanceForm } from './balance-form.tsx';
import { resetLink } from './reset-password.tsx';
import { ROLES } from './user-form.tsx';

/** Where more of a user is. */
const OF_USER = [
  { path: '/all-calls', name: 'calls' },
  { path: '/all-keys', name: 'keys' },
  { path: '/all-jobs', name: 'jobs' },
  { path: '/all-orders', name: 'orders' },
  { path: '/ledger', name: 'ledger' },
] as const;

export function UserDetails({ id }: { id: number }) {
  const { t } = useTranslation();
  const found = api.useQuery('get', '/v1/users/{id}', { params: { path: { id } } });
  if (!found.data) return <NotLoaded query={found} />;
  const { user, last30Days, today, accessKeys, lastCalls } = found.data;
  return (
    <>
      <Title order={2} size="h3">
        {user.username}
      </Title>
      <Text size="sm">
        {t('field.id')} {user.id} · {t(`role.${user.role}`)} · {user.email ?? '–'}
      </Text>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Figure label={t('overview.balance')} value={<Money amount={user.balance} />} />
        <Figure label={t('users.today')} value={<Money amount={today.cost} />} />
        <Figure label={t('users.last30Days')} value={<Money amount={last30Days.cost} />} />
        <Figure label={t('keys.title')} value={accessKeys.toLocaleString()} />
      </SimpleGrid>
      <Group gap="md" component="nav" aria-label={t('users.more')}>
        {OF_USER.map(({ path, name }) => (
          <Anchor key={path} component={Link} to={`${path}?userId=${user.id}`} size="sm">
            {t(`${name}.title`)}
          </Anchor>
        ))}
      </Group>
      {user.role !== 'ROLE_ROOT_ADMIN' && user.closedAt === undefined && <Changes user={user} />}
      <Title order={3} size="h4">
        {t('users.lastCalls')}
      </Title>
      <DataTable
        label={t('users.lastCalls')}
        query={found}
        rows={lastCalls ?? []}
        rowKey={(call) => call.id}
        empty={t('calls.none')}
        columns={calls(t, { to: (id) => `/all-calls?userId=${user.id}&call=${id}` })}
      />
    </>
  );
}

function Changes({ user }: { user: User }) {
  const { t } = useTranslation();
  const path = { id: user.id };
  const [secret, setSecret] = useState<string>();
  const setStatus = api.useMutation('post', '/v1/users/{id}/status');
  const close = api.useMutation('post', '/v1/users/{id}/close');
  const reset = api.useMutation('post', '/v1/users/{id}/reset-password', {
    onSuccess: ({ password, token }) => setSecret(token === undefined ? password : resetLink(token)),
  });
  return (
    <Paper withBorder p="md">
      <Stack>
        <BalanceForm user={user} />
        <RoleForm user={user} />
        <Group>
          {user.status === 1 ? (
            <ConfirmButton
              variant="default"
              color="gray"
              size="xs"
              label={t('users.disable')}
              question={t('users.disableQuestion', { name: user.username })}
              onConfirm={() => setStatus.mutateAsync({ params: { path }, body: { status: 0 } })}
            />
          ) : (
            <Button
              variant="default"
              size="xs"
              onClick={() => setStatus.mutate({ params: { path }, body: { status: 1 } })}
            >
              {t('users.enable')}
            </Button>
          )}
          <ConfirmButton
            variant="default"
            color="gray"
            size="xs"
            label={t('users.resetLink')}
            question={t('users.resetLinkQuestion', { name: user.username })}
            onConfirm={() => reset.mutateAsync({ params: { path }, body: { form: 'link' } })}
          />
          <ConfirmButton
            variant="default"
            color="gray"
            size="xs"
            label={t('users.resetPassword')}
            question={t('users.resetQuestion', { name: user.username })}
            onConfirm={() => reset.mutateAsync({ params: { path }, body: { form: 'password' } })}
          />
          <ConfirmButton
            variant="light"
            size="xs"
            label={t('users.close')}
            question={t('users.closeQuestion', { name: user.username })}
            needsReason
            onConfirm={(reason) => close.mutateAsync({ params: { path }, body: { reason } })}
          />
        </Group>
        {secret !== undefined && <Secret value={secret} about={t('users.secretOnce')} />}
      </Stack>
    </Paper>
  );
}

function RoleForm({ user }: { user: User }) {
  const { t } = useTranslation();
  const [role, setRole] = useState(user.role);
  const assign = api.useMutation('post', '/v1/users/assign-role');
  return (
    <Group align="end">
      <Select
        label={t('field.role')}
        allowDeselect={false}
        data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
        value={role}
        onChange={(value) => setRole(ROLES.find((name) => name === value) ?? user.role)}
      />
      {role !== user.role && (
        <ConfirmButton
          variant="default"
          color="gray"
          size="sm"
          label={t('users.assignRole')}
          question={t('users.assignQuestion', { name: user.username, role: t(`role.${role}`) })}
          onConfirm={() => assign.mutateAsync({ body: { userId: user.id, role } })}
        />
      )}
    </Group>
  );
}
