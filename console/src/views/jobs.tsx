/** The user's jobs: how far each is, what it cost, what came of it. */
import { Alert, Button, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { Job } from '../api/generated/schema.ts';
import { Choice } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Details, Facts } from '../shared/details.tsx';
import { messageText } from '../shared/failure.ts';
import { useFilters, usePage, useShown } from '../shared/filters.ts';
import { Id } from '../shared/id.tsx';
import { isRunning, useJobState } from '../shared/job-events.ts';
import { CancelJob, JOB_STATUSES, JobName, JobProgress, Redeliver, RUNNING_MS } from '../shared/jobs.tsx';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { Pictures } from '../shared/pictures.tsx';
import { Speech } from '../shared/speech.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';

const PAGE_ROWS = 20;

export default function Jobs() {
  const { t } = useTranslation();
  const { shown, show, close } = useShown('job');
  const { values, set } = useFilters(['status']);
  const status = JOB_STATUSES.find((name) => name === values.status);
  const pages = usePage(status);
  const query = {
    pageNum: pages.page,
    pageSize: PAGE_ROWS,
    sortOrder: 'desc',
    ...(status === undefined ? {} : { status }),
  };
  const jobs = api.useQuery(
    'get',
    '/v1/async/jobs',
    { params: { query } },
    { refetchInterval: ({ state }) => (state.data?.records.some(isRunning) ? RUNNING_MS : false) },
  );
  return (
    <Page title={t('jobs.title')} about={t('jobs.about')}>
      <Group>
        <Choice
          label={t('field.status')}
          values={JOB_STATUSES}
          textOf={(value) => t(`status.job.${value}`)}
          value={status}
          onChange={(value) => set('status', value)}
        />
      </Group>
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
        pages={<Pages {...pages} of={jobs.data} />}
        columns={[
          {
            title: t('field.job'),
            cell: (job) => <JobName {...job} onOpen={() => show(job.jobId)} />,
          },
          { title: t('field.status'), cell: (job) => <JobProgress {...job} /> },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
          {
            ...{ title: t('field.actions'), align: 'end' },
            cell: (job) => isRunning(job) && <CancelJob jobId={job.jobId} />,
          },
        ]}
      />
      <Details title={t('field.job')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <OpenedJob jobId={shown} />}
      </Details>
    </Page>
  );
}

function OpenedJob({ jobId }: { jobId: string }) {
  const found = api.useQuery('get', '/v1/async/jobs/{jobId}', { params: { path: { jobId } } });
  if (!found.data) return <NotLoaded query={found} />;
  return <JobDetails {...found.data} />;
}

/** As it goes on: it tells itself. */
function JobDetails(job: Job) {
  const { t } = useTranslation();
  const { status, progress } = useJobState(job);
  return (
    <>
      <Group justify="space-between">
        <Text fw={600} className="name">
          {t(`jobs.type.${job.type}`)} · {job.modelName}
        </Text>
        <StatusBadge status={`job.${status}`} />
        <Text fw={600}>
          <Money amount={job.cost} />
        </Text>
      </Group>
      {isRunning({ status }) && <Progress value={progress} animated aria-label={t('jobs.progress')} />}
      {isRunning({ status }) && (
        <Group>
          <CancelJob jobId={job.jobId} />
        </Group>
      )}
      {job.cancelRequestedAt !== null && isRunning({ status }) && <Text size="sm">{t('jobs.cancelling')}</Text>}
      {job.errorMessage !== null && (
        <Alert color="red" variant="outline" icon={<CircleAlert aria-hidden />}>
          {messageText(job.errorMessage)}
        </Alert>
      )}
      <Facts
        facts={{
          [t('field.id')]: <Id id={job.jobId} />,
          [t('field.createdAt')]: <Time at={job.createdAt} />,
          [t('jobs.started')]: <Time at={job.startedAt} />,
          [t('jobs.finished')]: <Time at={job.finishedAt} />,
        }}
      />
      <Result payload={job.resultPayload} accessKeyId={job.accessKeyId} />
      <Deliveries jobId={job.jobId} />
    </>
  );
}

/** Where the end of the job was told, and whether it was taken. */
function Deliveries({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const query = { jobId, pageSize: PAGE_ROWS, sortOrder: 'desc' };
  const deliveries = api.useQuery('get', '/v1/webhooks/deliveries', { params: { query } });
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
            cell: (one) => <Redeliver {...one} />,
          },
        ]}
      />
    </Stack>
  );
}

/** What a chat said, what was heard, the pictures or the speech that were made. */
function Result({ payload, accessKeyId }: { payload: unknown; accessKeyId: number | null }) {
  const fields: { assistantMessage?: unknown; text?: unknown; imageUrls?: unknown; fileId?: unknown } =
    typeof payload === 'object' && payload !== null ? payload : {};
  const { assistantMessage: said, text = said, imageUrls: pictures, fileId } = fields;
  const urls = Array.isArray(pictures) ? pictures.map(String) : [];
  return (
    <>
      {typeof text === 'string' && <Text style={{ whiteSpace: 'pre-wrap' }}>{text}</Text>}
      <Pictures urls={urls} />
      {typeof fileId === 'string' && accessKeyId !== null && <Speech fileId={fileId} accessKeyId={accessKeyId} />}
    </>
  );
}
