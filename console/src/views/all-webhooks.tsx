/** Webhook deliveries of all users: what was sent where, and what the receivers answered. */
import { Anchor, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import { Choice, TextFilter } from '../shared/choice.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { useCursor, useFilters } from '../shared/filters.ts';
import { Id } from '../shared/id.tsx';
import { Redeliver } from '../shared/jobs.tsx';
import { Page } from '../shared/page.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const STATUSES = ['PENDING', 'DELIVERED', 'FAILED', 'DISABLED'] as const;

export default function AllWebhooks() {
  const { t } = useTranslation();
  const { values, settled, set } = useFilters(['status', 'userId', 'jobId']);
  const status = STATUSES.find((name) => name === values.status);
  const filter = {
    ...(status === undefined ? {} : { status }),
    ...(values.userId === undefined ? {} : { userId: values.userId }),
    ...(settled.jobId === undefined ? {} : { jobId: settled.jobId }),
  };
  const cursor = useCursor(JSON.stringify(filter));
  const query = { pageSize: PAGE_ROWS, ...filter, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const deliveries = api.useQuery('get', '/v1/admin/webhook-deliveries', { params: { query } });
  return (
    <Page title={t('deliveries.title')} about={t('deliveries.about')}>
      <Group align="end" className="filters">
        <Choice
          label={t('field.status')}
          values={STATUSES}
          textOf={(value) => t(`status.delivery.${value}`)}
          value={status}
          onChange={(value) => set('status', value)}
        />
        <UserFilter value={values.userId} onChange={(id) => set('userId', id)} />
        <TextFilter
          label={t('deliveries.jobId')}
          width={260}
          value={values.jobId}
          onChange={(text) => set('jobId', text)}
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
            title: t('all.user'),
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
          {
            ...{ title: t('deliveries.attempts'), align: 'end' },
            cell: ({ attempts }) => attempts.toLocaleString(),
          },
          {
            ...{ title: t('deliveries.lastAnswer'), align: 'end', from: 'md' },
            cell: ({ lastStatus }) => lastStatus ?? '–',
          },
          {
            ...{ title: t('field.job'), from: 'md' },
            cell: (one) => <Id id={one.jobId} to={`/all-jobs?job=${one.jobId}`} short />,
          },
          { title: t('field.actions'), align: 'end', cell: (one) => <Redeliver {...one} ofAll /> },
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
