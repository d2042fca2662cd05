/** The user's jobs: how far each is, what it cost, what came of it. */
import { Alert, Anchor, Button, Drawer, Group, Progress, Select, Stack, Text, Title } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { Job } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Facts, Id } from '../shared/facts.tsx';
import { useFilters, useShown } from '../shared/filters.ts';
import { isRunning, useJobState } from '../shared/job-events.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { ErrorState } from '../shared/page-states.tsx';
import { Pictures } from '../shared/pictures.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';

const PAGE_ROWS = 20;
const STATUSES = [...(['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const)];
/** While a job runs, the list is asked again; the one that is looked at tells itself. */
const RUNNING_MS = 2_000;

export default function Jobs() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const { shown, show, close } = useShown('job');
  const filters = useFilters(['status']);
  const status = STATUSES.find((name) => name === filters.values.status);
  const query = { pageNum: page, pageSize: PAGE_ROWS, sortOrder: 'desc', ...(status === undefined ? {} : { status }) };
  const jobs = api.useQuery(
    'get',
    '/v1/async/jobs',
    { params: { query } },
    { refetchInterval: ({ state }) => (state.data?.records.some(isRunning) ? RUNNING_MS : false) },
  );
  const listed = jobs.data?.records.find(({ jobId }) => jobId === shown);
  // One that a link leads to may be on another page.
  const one = api.useQuery(
    'get',
    '/v1/async/jobs/{jobId}',
    { params: { path: { jobId: shown ?? '' } } },
    { enabled: shown !== undefined && jobs.isSuccess && listed === undefined },
  );
  const opened = listed ?? (shown === undefined ? undefined : one.data);
  return (
    <Page title={t('jobs.title')} about={t('jobs.about')}>
      <Select
        label={t('field.status')}
        placeholder={t('models.all')}
        clearable
        maw={240}
        data={STATUSES.map((value) => ({ value, label: t(`status.job.${value}`) }))}
        value={status ?? null}
        onChange={(value) => {
          filters.set('status', value);
          setPage(1);
        }}
      />
      <DataTable
        label={t('jobs.title')}
        query={jobs}
        rows={jobs.data?.records}
        rowKey={({ jobId }) => jobId}
        empty={t('jobs.none')}
        emptyAction={
          <Button component={Link} to="/playground" variant="default">
            {t('playground.title')}
          </Button>
        }
        pages={<Pages page={page} pages={jobs.data?.pages ?? 1} total={jobs.data?.total ?? 0} onChange={setPage} />}
        columns={[
          {
            title: t('field.job'),
            cell: (job) => (
              <Stack gap={2}>
                <Anchor component="button" size="sm" ta="start" onClick={() => show(job.jobId)}>
                  {t(`jobs.type.${job.type}`)} · {job.modelName}
                </Anchor>
                <Text size="xs" c="dimmed">
                  <Time at={job.createdAt} />
                </Text>
              </Stack>
            ),
          },
          {
            title: t('field.status'),
            cell: (job) => (
              <Stack gap={4}>
                <StatusBadge status={`job.${job.status}`} />
                {isRunning(job) && <Progress value={job.progress} size="sm" aria-label={t('jobs.progress')} />}
              </Stack>
            ),
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
          {
            ...{ title: t('field.actions'), align: 'end', from: 'sm' },
            cell: (job) => isRunning(job) && <CancelButton jobId={job.jobId} />,
          },
        ]}
      />
      <Drawer
        opened={shown !== undefined}
        onClose={close}
        position="right"
        size="lg"
        title={opened && `${t(`jobs.type.${opened.type}`)} · ${opened.modelName}`}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        {opened ? (
          <JobDetails {...opened} />
        ) : (
          one.error !== null && <ErrorState error={one.error} onRetry={one.refetch} />
        )}
      </Drawer>
    </Page>
  );
}

function CancelButton({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const cancel = api.useMutation('post', '/v1/async/jobs/{jobId}/cancel');
  return (
    <ConfirmButton
      label={t('jobs.cancel')}
      about={jobId}
      question={t('jobs.cancelQuestion')}
      onConfirm={() => cancel.mutateAsync({ params: { path: { jobId } } })}
    />
  );
}

function JobDetails(job: Job) {
  const { t } = useTranslation();
  const { status, progress } = useJobState(job);
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <StatusBadge status={`job.${status}`} />
        <Text fw={600}>
          <Money amount={job.cost} />
        </Text>
      </Group>
      {isRunning({ status }) && <Progress value={progress} animated aria-label={t('jobs.progress')} />}
      {isRunning({ status }) && (
        <Group>
          <CancelButton jobId={job.jobId} />
        </Group>
      )}
      {job.cancelRequestedAt !== null && isRunning({ status }) && <Text size="sm">{t('jobs.cancelling')}</Text>}
      {job.errorMessage !== null && (
        <Alert color="red" variant="outline" icon={<CircleAlert aria-hidden />}>
          {job.errorMessage}
        </Alert>
      )}
      <Facts
        label={t('field.job')}
        facts={[
          [t('field.id'), <Id key="id" text={job.jobId} />],
          [t('field.createdAt'), <Time key="created" at={job.createdAt} />],
          [t('jobs.started'), <Time key="started" at={job.startedAt} />],
          [t('jobs.finished'), <Time key="finished" at={job.finishedAt} />],
        ]}
      />
      <Result payload={job.resultPayload} />
      <Deliveries jobId={job.jobId} />
    </Stack>
  );
}

/** Where the end of the job was told, and whether it was taken. */
function Deliveries({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const query = { jobId, pageSize: PAGE_ROWS, sortOrder: 'desc' };
  const deliveries = api.useQuery('get', '/v1/webhooks/deliveries', { params: { query } });
  const redeliver = api.useMutation('post', '/v1/webhooks/deliveries/{id}/redeliver');
  if (deliveries.data?.records.length === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {t('jobs.deliveries')}
      </Title>
      <DataTable
        label={t('jobs.deliveries')}
        query={deliveries}
        rows={deliveries.data?.records}
        rowKey={({ id }) => id}
        empty=""
        columns={[
          {
            title: t('jobs.address'),
            cell: ({ url, lastError }) => (
              <Stack gap={2}>
                <Text size="sm" className="name">
                  {url}
                </Text>
                {lastError !== null && (
                  <Text size="xs" c="dimmed">
                    {lastError}
                  </Text>
                )}
              </Stack>
            ),
          },
          { title: t('field.status'), cell: ({ status }) => t(`jobs.delivery.${status}`) },
          { title: t('jobs.tries'), align: 'end', cell: ({ attempts }) => attempts },
          {
            ...{ title: t('field.actions'), align: 'end' },
            cell: ({ id, url, status }) =>
              status !== 'PENDING' && (
                <Button
                  variant="subtle"
                  size="compact-sm"
                  aria-label={`${t('jobs.redeliver')}: ${url}`}
                  onClick={() => redeliver.mutate({ params: { path: { id } } })}
                >
                  {t('jobs.redeliver')}
                </Button>
              ),
          },
        ]}
      />
    </Stack>
  );
}

/** What a chat said, or the pictures that were made. */
function Result({ payload }: { payload: unknown }) {
  const fields: { assistantMessage?: unknown; imageUrls?: unknown } =
    typeof payload === 'object' && payload !== null ? payload : {};
  const { assistantMessage: text, imageUrls: pictures } = fields;
  const urls = Array.isArray(pictures) ? pictures.map(String) : [];
  return (
    <>
      {typeof text === 'string' && <Text style={{ whiteSpace: 'pre-wrap' }}>{text}</Text>}
      <Pictures urls={urls} />
    </>
  );
}
