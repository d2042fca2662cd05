/** What a user has, and how calls went over time: what they cost, how many failed, how long they took. */
import { Group, Paper, SegmentedControl, SimpleGrid, Skeleton, Text, Title } from '@mantine/core';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { SETTINGS } from '../settings.ts';
import { decimalText } from '../shared/amounts.ts';
import type { Series } from '../shared/chart.tsx';
import { DataTable } from '../shared/data-table.tsx';
import { lastDays, secondsOf } from '../shared/days.ts';
import { Figure } from '../shared/figure.tsx';
import { Money, moneyText } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { ErrorState } from '../shared/page-states.tsx';
import { durationText, Latency } from '../shared/time.tsx';

/** The figures do not wait for what draws the chart. */
const Chart = lazy(() => import('../shared/chart.tsx'));

const CHART_PX = 220;
const PERIODS = ['7', '30', '90'] as const;
const METRICS = ['spent', 'requests', 'latency'] as const;
type Metric = (typeof METRICS)[number];
type Grouping = 'day' | 'model' | 'accessKey';

/** Exact sums of charged calls, from the ledger. Without `userId` an administrator gets those of all users. */
function useSpend(groupBy: Grouping, days: number) {
  const { id: userId } = useUser();
  return api.useQuery('get', '/v1/statistics/spend', { params: { query: { ...queryOf(groupBy, days), userId } } });
}

/** Failures and times, from the log of calls, which may be away. */
function usePerformance(groupBy: Grouping, days: number) {
  const { data } = api.useQuery('get', '/v1/statistics/performance', { params: { query: queryOf(groupBy, days) } });
  return data?.groups;
}

function queryOf(groupBy: Grouping, days: number) {
  const dates = lastDays(days, SETTINGS.timeZone);
  return { groupBy, startDate: dates[0], endDate: dates.at(-1) };
}

export default function Overview() {
  const { t, i18n } = useTranslation();
  const user = useUser();
  const [period, setPeriod] = useState('30');
  const days = Number(period);
  const byDay = useSpend('day', days);
  const went = usePerformance('day', days);
  const requests = went?.reduce((sum, group) => sum + group.requests, 0);
  const failures = went?.reduce((sum, group) => sum + group.failures, 0);
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent', maximumFractionDigits: 1 });
  return (
    <Page
      title={t('overview.title')}
      actions={
        <SegmentedControl
          aria-label={t('overview.period')}
          value={period}
          onChange={setPeriod}
          data={PERIODS.map((value) => ({ value, label: t('overview.days', { count: Number(value) }) }))}
        />
      }
    >
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure
          label={t('overview.balance')}
          value={<Money amount={user.balance} />}
          testId="balance"
          about={
            <>
              {t('overview.held')} · <Money amount={user.held} />
            </>
          }
        />
        <Figure
          label={t('overview.spent')}
          value={byDay.data && <Money amount={byDay.data.total.cost} />}
          error={byDay.error}
          about={t('overview.inDays', { count: days })}
          testId="spent"
        />
        <Figure
          label={t('overview.requests')}
          value={(requests ?? byDay.data?.total.requests)?.toLocaleString()}
          error={byDay.error}
          about={t('overview.inDays', { count: days })}
        />
        <Figure
          label={t('overview.failures')}
          value={failures?.toLocaleString() ?? '–'}
          about={failures !== undefined && requests ? percent.format(failures / requests) : '–'}
        />
      </SimpleGrid>
      <OverTime days={days} />
      <By groupBy="model" days={days} />
      <By groupBy="accessKey" days={days} />
    </Page>
  );
}

function OverTime({ days }: { days: number }) {
  const { t } = useTranslation();
  const [metric, setMetric] = useState<Metric>('spent');
  const usage = useSpend('day', days);
  const series = useSeries(metric, days);
  const times = useMemo(() => lastDays(days, SETTINGS.timeZone).map(secondsOf), [days]);
  if (usage.error && !usage.data) return <ErrorState error={usage.error} onRetry={usage.refetch} />;
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          {t(`overview.byDay.${metric}`)}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={t('overview.metric')}
          value={metric}
          onChange={(value) => setMetric(METRICS.find((name) => name === value) ?? 'spent')}
          data={METRICS.map((value) => ({ value, label: t(`overview.metrics.${value}`) }))}
        />
      </Group>
      <Suspense fallback={<Skeleton height={CHART_PX} />}>
        <Chart unit="day" label={t(`overview.byDay.${metric}`)} times={times} series={series} height={CHART_PX} />
      </Suspense>
    </Paper>
  );
}

/** A day without calls has no spend and no requests, and no latency at all. */
function useSeries(metric: Metric, days: number): readonly Series[] {
  const { t, i18n } = useTranslation();
  const { data: usage } = useSpend('day', days);
  const went = usePerformance('day', days);
  return useMemo(() => {
    const dates = lastDays(days, SETTINGS.timeZone);
    const spent = new Map(usage?.groups.map((row) => [row.date, row]));
    const known = new Map(went?.map((row) => [row.date, row]));
    const count = (value: number) => value.toLocaleString(i18n.language);
    switch (metric) {
      case 'spent': {
        const values = dates.map((date) => Number(spent.get(date)?.cost ?? 0));
        const text = (value: number) => moneyText(decimalText(value), i18n.language);
        const exact = (index: number) => moneyText(spent.get(dates[index])?.cost ?? '0', i18n.language);
        return [{ label: t('overview.spent'), color: 'indigo', bars: true, values, text, exact }];
      }
      case 'requests':
        return [
          {
            ...{ label: t('overview.requests'), color: 'indigo', bars: true, text: count },
            values: dates.map((date) => known.get(date)?.requests ?? 0),
          },
          {
            ...{ label: t('overview.failures'), color: 'red', bars: true, text: count },
            values: dates.map((date) => known.get(date)?.failures ?? 0),
          },
        ];
      default: {
        const text = (ms: number) => durationText(ms, i18n.language);
        return [
          {
            ...{ label: t('overview.p50'), color: 'teal', text },
            values: dates.map((date) => known.get(date)?.latencyP50Ms ?? null),
          },
          {
            ...{ label: t('overview.p95'), color: 'orange', text },
            values: dates.map((date) => known.get(date)?.latencyP95Ms ?? null),
          },
        ];
      }
    }
  }, [usage, went, metric, days, t, i18n.language]);
}

function By({ groupBy, days }: { groupBy: 'model' | 'accessKey'; days: number }) {
  const { t } = useTranslation();
  const usage = useSpend(groupBy, days);
  const went = usePerformance(groupBy, days);
  const performanceOf = (row: { modelId?: number; accessKeyId?: number | null }) =>
    went?.find((group) =>
      groupBy === 'model' ? group.modelId === row.modelId : group.accessKeyId === (row.accessKeyId ?? null),
    );
  return (
    <>
      <Title order={2} size="h4" mb="sm">
        {t(`overview.by.${groupBy}`)}
      </Title>
      <DataTable
        label={t(`overview.by.${groupBy}`)}
        query={usage}
        rows={usage.data?.groups}
        rowKey={(row) => row.modelId ?? row.accessKeyId ?? 'none'}
        empty={t('overview.noCalls')}
        columns={[
          {
            title: t(groupBy === 'model' ? 'field.model' : 'field.accessKey'),
            cell: (row) => (
              <Text size="sm" className="name">
                {row.modelIdentifier ?? (row.accessKeyName || t('overview.noKey'))}
              </Text>
            ),
          },
          { title: t('field.requests'), align: 'end', cell: ({ requests }) => requests.toLocaleString() },
          {
            ...{ title: t('overview.failures'), align: 'end' },
            cell: (row) => performanceOf(row)?.failures.toLocaleString() ?? '–',
          },
          {
            ...{ title: t('overview.p50'), align: 'end' },
            cell: (row) => <Latency ms={performanceOf(row)?.latencyP50Ms} />,
          },
          {
            ...{ title: t('field.tokens'), align: 'end', from: 'md' },
            cell: (row) => (row.promptTokens + row.completionTokens).toLocaleString(),
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
        ]}
      />
    </>
  );
}
