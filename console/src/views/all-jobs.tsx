/** Jobs of all users: where each is, why it takes its time, whose it is, what it cost; and an end to one. */
import { Anchor, Box, Button, Group, Progress, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { OwnedJob } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details, Facts, Id, lookupOf, TemporalLink } from '../shared/details.tsx';
import { useCursor, useFilters, useShown } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { ErrorState, LoadingView } from '../shared/page-states.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Duration, Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';

const PAGE_ROWS = 50;
const TYPING_MS = 300;
/** While a job runs, it is asked again. */
const RUNNING_MS = 2_000;
const STATUSES = [...(['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const)];
const TYPES = [...(['chat', 'image'] as const)];

function isRunning({ status }: OwnedJob): boolean {
  return status === 'PENDING' || status === 'PROCESSING';
}

export default function AllJobs() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['status', 'type', 'model', 'userId']);
  const { shown, show, close } = useShown('job');
  const [modelName] = useDebouncedValue(values.model, TYPING_MS);
  const status = STATUSES.find((name) => name === values.status);
  const type = TYPES.find((name) => name === values.type);
  const filter = {
    ...(status === undefined ? {} : { status }),
    ...(type === undefined ? {} : { type }),
    ...(modelName === undefined ? {} : { modelName }),
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
      <Group align="end">
        <Select
          label={t('field.status')}
          placeholder={t('models.all')}
          clearable
          data={STATUSES.map((value) => ({ value, label: t(`status.job.${value}`) }))}
          value={status ?? null}
          onChange={(value) => set('status', value)}
        />
        <Select
          label={t('field.kind')}
          placeholder={t('models.all')}
          clearable
          w={150}
          data={TYPES.map((value) => ({ value, label: t(`jobs.type.${value}`) }))}
          value={type ?? null}
          onChange={(value) => set('type', value)}
        />
        <TextInput
          label={t('field.model')}
          value={values.model ?? ''}
          onChange={(event) => set('model', event.currentTarget.value)}
        />
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
            cell: (job) => (
              <Stack gap={2}>
                <Anchor component="button" size="sm" ta="start" onClick={() => show(job.jobId)}>
                  {t(`jobs.type.${job.type}`)} · {job.modelName}
                </Anchor>
                <Text size="xs" c="dimmed">
                  <Time at={job.createdAt} />
                </Text>
                <Box hiddenFrom="sm">
                  <UserLink userId={job.userId} name={job.username} />
                </Box>
              </Stack>
            ),
          },
          {
            ...{ title: t('all.user'), from: 'sm' },
            cell: ({ userId, username }) => <UserLink userId={userId} name={username} />,
          },
          { title: t('field.status'), cell: (job) => <Progressed job={job} /> },
          {
            ...{ title: t('allJobs.worked'), align: 'end', from: 'md' },
            cell: ({ startedAt, finishedAt }) => <Duration from={startedAt} until={finishedAt} />,
          },
          { title: t('field.cost'), align: 'end', from: 'xs', cell: ({ cost }) => <Money amount={cost} /> },
          {
            ...{ title: t('field.actions'), align: 'end', from: 'sm' },
            cell: (job) => isRunning(job) && <Cancel jobId={job.jobId} />,
          },
        ]}
      />
      <Details title={t('allJobs.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <JobDetails jobId={shown} />}
      </Details>
    </Page>
  );
}

function Progressed({ job }: { job: OwnedJob }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4} align="flex-start">
      <StatusBadge status={`job.${job.status}`} />
      {isRunning(job) && <Progress value={job.progress} size="sm" w={90} aria-label={t('jobs.progress')} />}
    </Stack>
  );
}

function Cancel({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const cancel = api.useMutation('post', '/v1/admin/jobs/{jobId}/cancel');
  return (
    <ConfirmButton
      label={t('jobs.cancel')}
      about={jobId}
      question={t('jobs.cancelQuestion')}
      onConfirm={() => cancel.mutateAsync({ params: { path: { jobId } } })}
    />
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
  if (found.error) return <ErrorState error={found.error} onRetry={found.refetch} />;
  if (!found.data) return <LoadingView />;
  const job = found.data;
  return (
    <>
      <Group justify="space-between">
        <Text fw={600}>
          {t(`jobs.type.${job.type}`)} · {job.modelName}
        </Text>
        {isRunning(job) && <Cancel jobId={jobId} />}
      </Group>
      <Facts
        facts={{
          [t('field.status')]: <Progressed job={job} />,
          [t('field.errorText')]: job.errorMessage === null ? undefined : `${job.errorCode}: ${job.errorMessage}`,
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
