/** All users, for the administrator: found, looked at, made. */
import { Anchor, Button, Drawer, Group, Modal, Select, TextInput } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { User } from '../api/generated/schema.ts';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { useFilters, useShown } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { type Status, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserDetails } from './user-details.tsx';
import { UserForm } from './user-form.tsx';

const ROLES = [...(['ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] as const)];
const PAGE_ROWS = 20;
const TYPING_MS = 300;

function userStatus({ status, closedAt }: User): Status {
  if (closedAt !== undefined) return 'closed';
  return status === 1 ? 'active' : 'disabled';
}

export default function Users() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [creating, creation] = useDisclosure();
  const { values, set } = useFilters(['search', 'role']);
  const { shown, show, close } = useShown('user');
  const id = Number(shown);
  const isShown = Number.isSafeInteger(id) && id > 0;
  const [search] = useDebouncedValue(values.search, TYPING_MS);
  const role = ROLES.find((name) => name === values.role);
  const filter = { ...(search === undefined ? {} : { search }), ...(role === undefined ? {} : { role }) };
  const query = { pageNum: page, pageSize: PAGE_ROWS, sortOrder: 'desc', ...filter };
  const users = api.useQuery('get', '/v1/users', { params: { query } });
  const filterBy = (name: 'search' | 'role', value: string | null) => {
    set(name, value);
    setPage(1);
  };
  return (
    <Page title={t('users.title')} actions={<Button onClick={creation.open}>{t('users.create')}</Button>}>
      <Group align="end">
        <TextInput
          label={t('users.search')}
          miw={260}
          value={values.search ?? ''}
          onChange={(event) => filterBy('search', event.currentTarget.value)}
        />
        <Select
          label={t('field.role')}
          placeholder={t('models.all')}
          clearable
          data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
          value={role ?? null}
          onChange={(value) => filterBy('role', value)}
        />
      </Group>
      <DataTable
        label={t('users.title')}
        query={users}
        rows={users.data?.records}
        rowKey={({ id }) => id}
        empty={t('users.none')}
        pages={<Pages page={page} pages={users.data?.pages ?? 1} total={users.data?.total ?? 0} onChange={setPage} />}
        columns={[
          { title: t('field.id'), from: 'md', cell: ({ id }) => id },
          {
            title: t('field.username'),
            cell: ({ id, username }) => (
              <Anchor component="button" size="sm" onClick={() => show(String(id))}>
                {username}
              </Anchor>
            ),
          },
          { title: t('field.email'), from: 'md', cell: ({ email }) => email ?? '–' },
          { title: t('field.role'), from: 'sm', cell: (user) => t(`role.${user.role}`) },
          { title: t('field.status'), cell: (user) => <StatusBadge status={userStatus(user)} /> },
          { title: t('overview.balance'), align: 'end', cell: ({ balance }) => <Money amount={balance} /> },
          { title: t('field.createdAt'), from: 'lg', cell: ({ createdAt }) => <Time at={createdAt} /> },
        ]}
      />
      <Modal
        opened={creating}
        onClose={creation.close}
        title={t('users.create')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <UserForm onDone={creation.close} />
      </Modal>
      <Drawer
        opened={isShown}
        onClose={close}
        position="right"
        size="xl"
        title={t('users.one')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        {isShown && <UserDetails id={id} />}
      </Drawer>
    </Page>
  );
}
