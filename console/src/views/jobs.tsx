/** The user's jobs: how far each is, what it cost, what came of it. */
import { Anchor, Button, Code, Drawer, Group, Image, Progress, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Job } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { useFilters } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';

const PAGE_ROWS = 20;
const STATUSES = [...(['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const)];
/** While a job runs, the list is asked again. */
const RUNNING_MS = 2_000;

function isRunning({ status }: Job): boolean {
  return status === 'PENDING' || status === 'PROCESSING';
}

export default function Jobs() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [shown, setShown] = useState<string>();
  const filters = useFilters(['status']);
  const status = STATUSES.find((name) => name === filters.values.status);
  const query = { pageNum: page, pageSize: PAGE_ROWS, sortOrder: 'desc', ...(status === undefined ? {} : { status }) };
  const jobs = api.useQuery(
    'get',
    '/v1/async/jobs',
    { params: { query } },
    { refetchInterval: ({ state }) => (state.data?.records.some(isRunning) ? RUNNING_MS : false) },
  );
  const cancel = api.useMutation('post', '/v1/async/jobs/{jobId}/cancel');
  const opened = jobs.data?.records.find(({ jobId }) => jobId === shown);
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
        pages={<Pages page={page} pages={jobs.data?.pages ?? 1} total={jobs.data?.total ?? 0} onChange={setPage} />}
        columns={[
          {
            title: t('field.job'),
            cell: (job) => (
              <Stack gap={2}>
                <Anchor component="button" size="sm" ta="start" onClick={() => setShown(job.jobId)}>
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
            ...{ title: t('field.actions'), align: 'end' },
            cell: (job) =>
              isRunning(job) && (
                <ConfirmButton
                  label={t('jobs.cancel')}
                  about={job.jobId}
                  question={t('jobs.cancelQuestion')}
                  onConfirm={() => cancel.mutateAsync({ params: { path: { jobId: job.jobId } } })}
                />
              ),
          },
        ]}
      />
      <Drawer
        opened={opened !== undefined}
        onClose={() => setShown(undefined)}
        position="right"
        size="lg"
        title={opened && `${t(`jobs.type.${opened.type}`)} · ${opened.modelName}`}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        {opened && <JobDetails {...opened} />}
      </Drawer>
    </Page>
  );
}

function JobDetails(job: Job) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Group>
        <StatusBadge status={`job.${job.status}`} />
        <Money amount={job.cost} />
      </Group>
      <Text size="sm">
        {t('field.createdAt')} <Time at={job.createdAt} />, {t('jobs.finished')} <Time at={job.finishedAt} />
      </Text>
      <Code>{job.jobId}</Code>
      {job.errorMessage !== null && <Text c="red">{job.errorMessage}</Text>}
      <Result payload={job.resultPayload} />
    </Stack>
  );
}

/** What a chat said, or the pictures that were made. */
function Result({ payload }: { payload: unknown }) {
  const { t } = useTranslation();
  const fields: { assistantMessage?: unknown; imageUrls?: unknown } =
    typeof payload === 'object' && payload !== null ? payload : {};
  const { assistantMessage: text, imageUrls: pictures } = fields;
  const urls = Array.isArray(pictures) ? pictures.map(String) : [];
  return (
    <>
      {typeof text === 'string' && <Text style={{ whiteSpace: 'pre-wrap' }}>{text}</Text>}
      {urls.map((url, index) => (
        <Stack key={url} gap="xs">
          <Image src={url} alt={t('jobs.picture', { number: index + 1 })} radius="md" />
          <Button component="a" href={url} target="_blank" rel="noreferrer" variant="default" size="xs">
            {t('jobs.open')}
          </Button>
        </Stack>
      ))}
    </>
  );
}
