/** Access keys of all users: whose is a key that was found somewhere, and its end. */
import { Anchor, Button, Code, Group, Modal, Stack, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { OwnedAccessKey } from '../api/generated/schema.ts';
import { TextFilter } from '../shared/choice.tsx';
import { ConfirmButton } from '../shared/confirm.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { useCursor, useFilters } from '../shared/filters.ts';
import { fieldErrors } from '../shared/form.ts';
import { BudgetUsed, KeyTag } from '../shared/keys.tsx';
import { Page } from '../shared/page.tsx';
import { type Status, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
/** In the address, for keys that are not there any more. */
const SHOWN = 'true';

function statusOf({ deletedAt, isActive, expiresAt }: OwnedAccessKey): Status {
  if (deletedAt !== null) return 'revoked';
  if (expiresAt !== null && new Date(expiresAt) < new Date()) return 'expired';
  return isActive ? 'active' : 'disabled';
}

export default function AllKeys() {
  const { t } = useTranslation();
  const { values, settled, set } = useFilters(['userId', 'mask', 'deleted']);
  const [found, setFound] = useState<OwnedAccessKey>();
  const cursor = useCursor(JSON.stringify(settled));
  const { deleted, ...filters } = settled;
  const query = {
    ...{ pageSize: PAGE_ROWS, ...filters },
    ...(deleted === SHOWN && { deleted: true }),
    ...(cursor.cursor && { cursor: cursor.cursor }),
  };
  const keys = api.useQuery('get', '/v1/admin/access-keys', { params: { query } });
  return (
    <Page title={t('allKeys.title')} about={t('allKeys.about')}>
      <FindForm onFound={setFound} />
      <Group align="end" className="filters">
        <UserFilter value={values.userId} onChange={(id) => set('userId', id)} />
        <TextFilter label={t('allKeys.mask')} value={values.mask} onChange={(text) => set('mask', text)} />
        <Switch
          label={t('allKeys.deleted')}
          mb={8}
          checked={values.deleted === SHOWN}
          onChange={(event) => set('deleted', event.currentTarget.checked ? SHOWN : null)}
        />
      </Group>
      <KeyTable
        query={keys}
        rows={keys.data?.records}
        pages={<CursorPages {...cursor} nextCursor={keys.data?.next} />}
      />
      <Modal size="xl" opened={found !== undefined} onClose={() => setFound(undefined)} title={t('allKeys.found')}>
        {found && <KeyTable query={keys} rows={[found]} onRevoked={setFound} />}
      </Modal>
    </Page>
  );
}

function FindForm({ onFound }: { onFound: (key: OwnedAccessKey) => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { keyValue: '' } });
  const find = api.useMutation('post', '/v1/admin/access-keys/find', {
    onSuccess: (key) => {
      form.reset();
      onFound(key);
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <form onSubmit={form.onSubmit((body) => find.mutate({ body }))}>
      <Group align="end">
        <TextInput
          label={t('allKeys.paste')}
          required
          autoComplete="off"
          flex={1}
          maw={520}
          {...form.getInputProps('keyValue')}
        />
        <Button type="submit" loading={find.isPending}>
          {t('allKeys.find')}
        </Button>
      </Group>
    </form>
  );
}

function KeyTable(props: {
  query: { isPending: boolean; error: unknown; refetch: () => unknown };
  rows: readonly OwnedAccessKey[] | undefined;
  pages?: ReactNode;
  onRevoked?: (key: OwnedAccessKey) => void;
}) {
  const { t } = useTranslation();
  const revoke = api.useMutation('post', '/v1/admin/access-keys/{id}/revoke', { onSuccess: props.onRevoked });
  return (
    <DataTable
      label={t('allKeys.title')}
      {...props}
      rowKey={({ id }) => id}
      empty={t('allKeys.none')}
      columns={[
        {
          title: t('field.key'),
          cell: ({ id, maskedKeyValue, name, tag }) => (
            <Stack gap={2} align="flex-start">
              {name}
              <Code className="time">{maskedKeyValue}</Code>
              <KeyTag tag={tag} />
              <Anchor component={Link} to={`/all-calls?accessKeyId=${id}`} size="sm">
                {t('calls.ofKey')}
              </Anchor>
            </Stack>
          ),
        },
        { title: t('field.owner'), cell: ({ username, userId }) => <UserLink userId={userId} name={username} /> },
        { title: t('field.status'), cell: (key) => <StatusBadge status={statusOf(key)} /> },
        { title: t('allKeys.used'), from: 'md', cell: (key) => <BudgetUsed {...key} /> },
        { title: t('field.lastUsed'), from: 'md', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
        {
          ...{ title: t('field.actions'), align: 'end' },
          cell: (key) =>
            key.deletedAt === null && (
              <ConfirmButton
                label={t('allKeys.revoke')}
                about={key.name}
                question={t('allKeys.revokeQuestion', { name: key.name, owner: key.username })}
                onConfirm={() => revoke.mutateAsync({ params: { path: { id: key.id } }, body: {} })}
              />
            ),
        },
      ]}
    />
  );
}
