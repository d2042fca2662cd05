/** Webhook deliveries of all users: what was sent where, and what the receivers answered. */
import { Anchor, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { useCursor, useFilters } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { ShortId } from '../shared/short-id.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const TYPING_MS = 300;
const STATUSES = [...(['PENDING', 'DELIVERED', 'FAILED', 'DISABLED'] as const)];

export default function AllWebhooks() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['status', 'userId', 'jobId']);
  const [jobId] = useDebouncedValue(values.jobId, TYPING_MS);
  const status = STATUSES.find((name) => name === values.status);
  const filter = {
    ...(status === undefined ? {} : { status }),
    ...(values.userId === undefined ? {} : { userId: values.userId }),
    ...(jobId === undefined ? {} : { jobId }),
  };
  const cursor = useCursor(JSON.stringify(filter));
  const query = { pageSize: PAGE_ROWS, ...filter, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const deliveries = api.useQuery('get', '/v1/admin/webhook-deliveries', { params: { query } });
  return (
    <Page title={t('deliveries.title')} about={t('deliveries.about')}>
      <Group align="end">
        <Select
          label={t('field.status')}
          placeholder={t('models.all')}
          clearable
          data={STATUSES.map((value) => ({ value, label: t(`status.delivery.${value}`) }))}
          value={status ?? null}
          onChange={(value) => set('status', value)}
        />
        <UserFilter value={values.userId} onChange={(id) => set('userId', id)} />
        <TextInput
          label={t('deliveries.jobId')}
          miw={260}
          value={values.jobId ?? ''}
          onChange={(event) => set('jobId', event.currentTarget.value)}
        />
      </Group>
      <DataTable
        label={t('deliveries.title')}
        query={deliveries}
        rows={deliveries.data?.records}
        rowKey={({ id }) => id}
        empty={t('deliveries.none')}
        pages={<CursorPages {...cursor} nextCursor={deliveries.data?.next} />}
        columns={[
          {
            title: t('deliveries.url'),
            cell: ({ url, updatedAt }) => (
              <Stack gap={2} maw={320}>
                <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                  {url}
                </Text>
                <Text size="xs" c="dimmed">
                  <Time at={updatedAt} />
                </Text>
              </Stack>
            ),
          },
          {
            ...{ title: t('all.user'), from: 'sm' },
            cell: ({ userId, username }) => <UserLink userId={userId} name={username} />,
          },
          {
            title: t('field.status'),
            cell: (one) => (
              <Stack gap={2} align="flex-start">
                <StatusBadge status={`delivery.${one.status}`} />
                {one.lastError !== null && (
                  <Text size="xs" maw={240}>
                    {one.lastError}
                  </Text>
                )}
              </Stack>
            ),
          },
          { title: t('deliveries.attempts'), align: 'end', cell: ({ attempts }) => attempts.toLocaleString() },
          {
            ...{ title: t('deliveries.lastAnswer'), align: 'end', from: 'md' },
            cell: ({ lastStatus }) => lastStatus ?? '–',
          },
          {
            ...{ title: t('field.job'), from: 'md' },
            cell: (one) => <ShortId id={one.jobId} to={`/all-jobs?job=${one.jobId}`} />,
          },
        ]}
      />
      {values.jobId !== undefined && (
        <Anchor component={Link} to={`/all-jobs?job=${values.jobId}`} size="sm">
          {t('allJobs.one')}
        </Anchor>
      )}
    </Page>
  );
}
