/** Calls as they end, and jobs as they move. */
import { Paper, Progress, Skeleton, Stack, Text, Title } from '@mantine/core';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { FeedCall, FeedJob } from '../api/generated/schema.ts';
import { DataTable } from '../shared/data-table.tsx';
import { Money } from '../shared/money.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Latency, Time } from '../shared/time.tsx';
import { useSecondsSince } from './admin-health.tsx';
import type { FeedState } from './live-feed.ts';

/** The figures do not wait for what draws the chart. */
const Chart = lazy(() => import('../shared/chart.tsx'));

const CHART_PX = 200;
const GRACE_SECONDS = 5;
const SHOWN_SECONDS = 120;
const SHOWN_CALLS = 10;
const TICK_MS = 1_000;
const JOBS_MS = 5_000;
/** Until the jobs have been asked for again, which may take a while. */
const MOVED_MS = 4 * JOBS_MS;
const MS_PER_SECOND = 1_000;

type MovedJob = FeedJob & { readonly seenMs: number };

interface Second {
  readonly at: number;
  readonly succeeded: number;
  readonly failed: number;
}

const nowSeconds = () => Math.floor(Date.now() / MS_PER_SECOND);

/** The last two minutes, a number for each second, also for those without a call. */
function upToNow(seconds: readonly Second[]): Second[] {
  const known = new Map(seconds.map((second) => [second.at, second]));
  const now = nowSeconds();
  return Array.from({ length: SHOWN_SECONDS }, (_, index) => {
    const at = now - SHOWN_SECONDS + 1 + index;
    return known.get(at) ?? { at, succeeded: 0, failed: 0 };
  });
}

export function useTraffic() {
  const [seconds, setSeconds] = useState(() => upToNow([]));
  const [calls, setCalls] = useState<readonly FeedCall[]>([]);
  const [jobs, setJobs] = useState<ReadonlyMap<string, MovedJob>>(new Map());
  useEffect(() => {
    const timer = setInterval(() => setSeconds(upToNow), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const addCalls = (ended: readonly FeedCall[]) => {
    const failed = ended.filter(({ isSuccess }) => !isSuccess).length;
    const now = nowSeconds();
    setSeconds((before) =>
      upToNow(before).map((second) =>
        second.at === now
          ? { at: now, succeeded: second.succeeded + ended.length - failed, failed: second.failed + failed }
          : second,
      ),
    );
    setCalls((before) => [...ended.toReversed(), ...before].slice(0, SHOWN_CALLS));
  };
  const addJobs = (moved: readonly FeedJob[]) => {
    const seenMs = Date.now();
    const added = moved.map((job) => [job.jobId, { ...job, seenMs }] as const);
    setJobs((before) => new Map([...[...before].filter(([, job]) => seenMs - job.seenMs < MOVED_MS), ...added]));
  };
  return { seconds, calls, jobs, addCalls, addJobs };
}

/** What the feed alone brings stands still while it does not; said after a moment in which it may begin. */
function StandsStill({ isLive, since }: FeedState) {
  const { t } = useTranslation();
  const seconds = useSecondsSince(since);
  if (isLive || seconds < GRACE_SECONDS) return null;
  return (
    <Text size="sm" c="red" role="status">
      {t('admin.standsStill', { count: seconds })}
    </Text>
  );
}

export function Traffic({ seconds, feed }: { seconds: readonly Second[]; feed: FeedState }) {
  const { t, i18n } = useTranslation();
  const { times, series } = useMemo(() => {
    const text = (value: number) => value.toLocaleString(i18n.language);
    return {
      times: seconds.map(({ at }) => at),
      series: [
        {
          ...{ label: t('admin.succeeded'), color: 'teal' as const, text },
          values: seconds.map(({ succeeded }) => succeeded),
        },
        { ...{ label: t('admin.failed'), color: 'red' as const, text }, values: seconds.map(({ failed }) => failed) },
      ],
    };
  }, [seconds, t, i18n.language]);
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4">
        {t('admin.traffic')}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {t('admin.trafficAbout')}
      </Text>
      <StandsStill {...feed} />
      <Suspense fallback={<Skeleton height={CHART_PX} />}>
        <Chart label={t('admin.traffic')} times={times} series={series} height={CHART_PX} />
      </Suspense>
    </Paper>
  );
}

export function LiveCalls({ calls, feed }: { calls: readonly FeedCall[]; feed: FeedState }) {
  const { t } = useTranslation();
  const query = { isPending: false, error: null, refetch: () => undefined };
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('admin.lastCalls')}
      </Title>
      <StandsStill {...feed} />
      <DataTable
        label={t('admin.lastCalls')}
        query={query}
        rows={calls}
        rowKey={({ requestId }) => requestId}
        empty={t('admin.noCallsYet')}
        columns={[
          { title: t('field.time'), cell: ({ createTime }) => <Time at={createTime} /> },
          { title: t('field.username'), cell: ({ username, userId }) => username || userId },
          { title: t('field.model'), cell: ({ modelIdentifier }) => modelIdentifier },
          { title: t('field.provider'), from: 'md', cell: ({ providerName }) => providerName ?? '–' },
          {
            title: t('field.status'),
            cell: ({ isSuccess }) => <StatusBadge status={isSuccess ? 'succeeded' : 'failed'} />,
          },
          {
            ...{ title: t('field.latency'), align: 'end', from: 'md' },
            cell: ({ latencyMs }) => <Latency ms={latencyMs} />,
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
        ]}
      />
    </Stack>
  );
}

/** Those at work when they were last asked for, as the feed has moved them since. */
export function LiveJobs({ moved }: { moved: ReadonlyMap<string, MovedJob> }) {
  const { t } = useTranslation();
  const query = { status: 'PROCESSING' as const };
  const jobs = api.useQuery('get', '/v1/admin/jobs', { params: { query } }, { refetchInterval: JOBS_MS });
  const rows = jobs.data?.records.map((job) => ({ ...job, ...moved.get(job.jobId) }));
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('admin.runningJobs')}
      </Title>
      <DataTable
        label={t('admin.runningJobs')}
        query={jobs}
        rows={rows}
        rowKey={({ jobId }) => jobId}
        empty={t('admin.noJobs')}
        columns={[
          { title: t('field.username'), cell: ({ username, userId }) => username || userId },
          { title: t('field.job'), cell: ({ type, modelName }) => `${t(`jobs.type.${type}`)} · ${modelName}` },
          {
            title: t('field.status'),
            cell: ({ status, progress }) => (
              <Stack gap={4}>
                <StatusBadge status={`job.${status}`} />
                <Progress value={progress} size="sm" aria-label={t('jobs.progress')} />
              </Stack>
            ),
          },
          { title: t('field.createdAt'), cell: ({ createdAt }) => <Time at={createdAt} /> },
        ]}
      />
    </Stack>
  );
}
