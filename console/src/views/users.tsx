/** All users, for the administrator: found, looked at, made. */
import { Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { User } from '../api/generated/schema.ts';
import { Choice, TextFilter } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useFilters, usePage, useShown } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { type Status, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserDetails } from './user-details.tsx';
import { ROLES, UserForm } from './user-form.tsx';

const PAGE_ROWS = 20;

function userStatus({ status, closedAt }: User): Status {
  if (closedAt !== undefined) return 'closed';
  return status === 1 ? 'active' : 'disabled';
}

export default function Users() {
  const { t } = useTranslation();
  const [creating, creation] = useDisclosure();
  const { values, settled, set } = useFilters(['search', 'role']);
  const { shown, show, close } = useShown('user');
  const id = Number(shown);
  const isShown = Number.isSafeInteger(id) && id > 0;
  const { search } = settled;
  const role = ROLES.find((name) => name === values.role);
  const filter = { ...(search === undefined ? {} : { search }), ...(role === undefined ? {} : { role }) };
  const pages = usePage(JSON.stringify(filter));
  const query = { pageNum: pages.page, pageSize: PAGE_ROWS, sortOrder: 'desc', ...filter };
  const users = api.useQuery('get', '/v1/users', { params: { query } });
  return (
    <Page title={t('users.title')} actions={<Button onClick={creation.open}>{t('users.create')}</Button>}>
      <Group align="end" className="filters">
        <TextFilter
          label={t('users.search')}
          width={260}
          value={values.search}
          onChange={(text) => set('search', text)}
        />
        <Choice
          label={t('field.role')}
          values={ROLES}
          textOf={(value) => t(`role.${value}`)}
          value={role}
          onChange={(value) => set('role', value)}
        />
      </Group>
      <DataTable
        label={t('users.title')}
        query={users}
        rows={users.data?.records}
        rowKey={({ id }) => id}
        empty={t('users.none')}
        pages={<Pages {...pages} of={users.data} />}
        columns={[
          {
            title: t('field.username'),
            cell: ({ id, username }) => (
              <Stack gap={2} align="flex-start">
                <Anchor component="button" size="sm" onClick={() => show(String(id))}>
                  {username}
                </Anchor>
                <Text size="xs" c="dimmed">
                  {t('field.id')} {id}
                </Text>
              </Stack>
            ),
          },
          { title: t('field.email'), from: 'md', cell: ({ email }) => email ?? '–' },
          { title: t('field.role'), cell: (user) => t(`role.${user.role}`) },
          { title: t('field.status'), cell: (user) => <StatusBadge status={userStatus(user)} /> },
          { title: t('overview.balance'), align: 'end', cell: ({ balance }) => <Money amount={balance} /> },
          { title: t('field.createdAt'), from: 'lg', cell: ({ createdAt }) => <Time at={createdAt} /> },
        ]}
      />
      <Modal opened={creating} onClose={creation.close} title={t('users.create')}>
        <UserForm onDone={creation.close} />
      </Modal>
      <Details title={t('users.one')} opened={isShown} onClose={close}>
        <UserDetails id={id} />
      </Details>
    </Page>
  );
}
