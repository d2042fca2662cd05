/** Jobs of all users: where each is, why it takes its time, whose it is, what it cost; and an end to one. */
import { Anchor, Button, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import { Choice, TextFilter } from '../shared/choice.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details, Facts, TemporalLink } from '../shared/details.tsx';
import { messageText } from '../shared/failure.ts';
import { useCursor, useFilters, useShown } from '../shared/filters.ts';
import { Id, lookupOf } from '../shared/id.tsx';
import { isRunning } from '../shared/job-events.ts';
import { CancelJob, JOB_STATUSES, JobName, JobProgress, RUNNING_MS } from '../shared/jobs.tsx';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { Duration, Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const TYPES = ['chat', 'image', 'speech', 'transcript'] as const;

export default function AllJobs() {
  const { t } = useTranslation();
  const { values, settled, set } = useFilters(['status', 'type', 'model', 'userId']);
  const { shown, show, close } = useShown('job');
  const status = JOB_STATUSES.find((name) => name === values.status);
  const type = TYPES.find((name) => name === values.type);
  const filter = {
    ...(status === undefined ? {} : { status }),
    ...(type === undefined ? {} : { type }),
    ...(settled.model === undefined ? {} : { modelName: settled.model }),
    ...(values.userId === undefined ? {} : { userId: values.userId }),
  };
  const cursor = useCursor(JSON.stringify(filter));
  const query = { pageSize: PAGE_ROWS, ...filter, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const jobs = api.useQuery(
    'get',
    '/v1/admin/jobs',
    { params: { query } },
    { refetchInterval: ({ state }) => (state.data?.records.some(isRunning) ? RUNNING_MS : false) },
  );
  return (
    <Page title={t('allJobs.title')} about={t('allJobs.about')}>
      <Group align="end" className="filters">
        <Choice
          label={t('field.status')}
          values={JOB_STATUSES}
          textOf={(value) => t(`status.job.${value}`)}
          value={status}
          onChange={(value) => set('status', value)}
        />
        <Choice
          label={t('field.kind')}
          values={TYPES}
          textOf={(value) => t(`jobs.type.${value}`)}
          value={type}
          onChange={(value) => set('type', value)}
        />
        <TextFilter label={t('field.model')} value={values.model} onChange={(text) => set('model', text)} />
        <UserFilter value={values.userId} onChange={(id) => set('userId', id)} />
      </Group>
      <DataTable
        label={t('allJobs.title')}
        query={jobs}
        rows={jobs.data?.records}
        rowKey={({ jobId }) => jobId}
        empty={t('allJobs.none')}
        pages={<CursorPages {...cursor} nextCursor={jobs.data?.next} />}
        columns={[
          {
            title: t('field.job'),
            cell: (job) => <JobName {...job} onOpen={() => show(job.jobId)} />,
          },
          {
            title: t('all.user'),
            cell: ({ userId, username }) => <UserLink userId={userId} name={username} />,
          },
          { title: t('field.status'), cell: (job) => <JobProgress {...job} /> },
          {
            ...{ title: t('allJobs.worked'), align: 'end', from: 'md' },
            cell: ({ startedAt, finishedAt }) => <Duration from={startedAt} until={finishedAt} />,
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
          {
            ...{ title: t('field.actions'), align: 'end' },
            cell: (job) => isRunning(job) && <CancelJob jobId={job.jobId} ofAll />,
          },
        ]}
      />
      <Details title={t('allJobs.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <JobDetails jobId={shown} />}
      </Details>
    </Page>
  );
}

function JobDetails({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const found = api.useQuery(
    'get',
    '/v1/admin/jobs/{jobId}',
    { params: { path: { jobId } } },
    { refetchInterval: ({ state }) => (state.data && isRunning(state.data) ? RUNNING_MS : false) },
  );
  if (!found.data) return <NotLoaded query={found} />;
  const job = found.data;
  return (
    <>
      <Group justify="space-between">
        <Text fw={600}>
          {t(`jobs.type.${job.type}`)} · {job.modelName}
        </Text>
        {isRunning(job) && <CancelJob jobId={jobId} ofAll />}
      </Group>
      <Facts
        facts={{
          [t('field.status')]: <JobProgress {...job} />,
          [t('field.errorText')]:
            job.errorMessage === null ? undefined : `${job.errorCode}: ${messageText(job.errorMessage)}`,
          [t('field.cost')]: <Money amount={job.cost} bold />,
          [t('all.user')]: <UserLink userId={job.userId} name={job.username} />,
          [t('field.id')]: <Id id={job.jobId} />,
          [t('field.traceId')]: job.traceId === null ? undefined : <Id id={job.traceId} to={lookupOf(job.traceId)} />,
          [t('field.createdAt')]: <Time at={job.createdAt} />,
          [t('allJobs.started')]: <Time at={job.startedAt} />,
          [t('allJobs.finished')]: <Time at={job.finishedAt} />,
          [t('allJobs.cancelAsked')]: job.cancelRequestedAt === null ? undefined : <Time at={job.cancelRequestedAt} />,
          [t('allJobs.waited')]: <Duration from={job.createdAt} until={job.startedAt} />,
          [t('allJobs.worked')]: <Duration from={job.startedAt} until={job.finishedAt} />,
          [t('allJobs.runs')]: job.runs.toLocaleString(),
          [t('allJobs.providerCalls')]: job.providerCalls.toLocaleString(),
          [t('allJobs.deadline')]: isRunning(job) ? <Time at={job.deadlineAt} /> : undefined,
        }}
      />
      <Group>
        <TemporalLink url={job.temporalUrl} />
        <Anchor component={Link} to={lookupOf(job.traceId ?? job.jobId)} size="sm">
          {t('allJobs.trace')}
        </Anchor>
        <Button component={Link} to={`/all-webhooks?jobId=${jobId}`} variant="subtle" size="compact-sm">
          {t('allJobs.deliveries')}
        </Button>
      </Group>
    </>
  );
}
