/** What a user has, what was spent, and where it went. */
import { Grid, Paper, SegmentedControl, SimpleGrid, Title } from '@mantine/core';
import dayjs from 'dayjs';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { sumOf } from '../shared/amounts.ts';
import { Chart } from '../shared/chart.tsx';
import { DataTable } from '../shared/data-table.tsx';
import { Figure } from '../shared/figure.tsx';
import { Money, moneyText } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { ErrorState } from '../shared/page-states.tsx';

const PERIODS = ['7', '30', '90'] as const;

function useUsage(groupBy: 'day' | 'model' | 'accessKey', days: number) {
  const startDate = dayjs()
    .subtract(days - 1, 'day')
    .format('YYYY-MM-DD');
  const endDate = dayjs().add(1, 'day').format('YYYY-MM-DD');
  return api.useQuery('get', '/v1/statistics/usage', { params: { query: { groupBy, startDate, endDate } } });
}

export default function Overview() {
  const { t } = useTranslation();
  const user = useUser();
  const [days, setDays] = useState('30');
  const byDay = useUsage('day', Number(days));
  return (
    <Page
      title={t('overview.title')}
      actions={
        <SegmentedControl
          aria-label={t('overview.period')}
          value={days}
          onChange={setDays}
          data={PERIODS.map((value) => ({ value, label: t('overview.days', { count: Number(value) }) }))}
        />
      }
    >
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure label={t('overview.balance')} value={<Money amount={user.balance} />} />
        <Figure label={t('overview.held')} value={<Money amount={user.held} />} about={t('overview.heldAbout')} />
        <Figure
          label={t('overview.spent')}
          value={byDay.data && <Money amount={sumOf(byDay.data.map(({ cost }) => cost))} />}
        />
        <Figure
          label={t('overview.requests')}
          value={byDay.data?.reduce((sum, { requests }) => sum + requests, 0).toLocaleString()}
        />
      </SimpleGrid>
      <SpendChart days={Number(days)} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <SpendBy groupBy="model" days={Number(days)} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <SpendBy groupBy="accessKey" days={Number(days)} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function SpendChart({ days }: { days: number }) {
  const { t, i18n } = useTranslation();
  const usage = useUsage('day', days);
  const { times, series } = useMemo(() => {
    const known = new Map(usage.data?.map((row) => [row.date, row]));
    const dates = Array.from({ length: days }, (_, index) => dayjs().subtract(days - 1 - index, 'day'));
    const rows = dates.map((date) => known.get(date.format('YYYY-MM-DD')));
    return {
      times: dates.map((date) => date.startOf('day').unix()),
      series: [
        {
          ...{ label: t('overview.spent'), color: 'indigo' as const, bars: true },
          values: rows.map((row) => Number(row?.cost ?? 0)),
          text: (value: number) => moneyText(String(value), i18n.language),
        },
      ],
    };
  }, [usage.data, days, t, i18n.language]);
  if (usage.error) return <ErrorState error={usage.error} onRetry={usage.refetch} />;
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        {t('overview.spentByDay')}
      </Title>
      <Chart label={t('overview.spentByDay')} times={times} series={series} />
    </Paper>
  );
}

function SpendBy({ groupBy, days }: { groupBy: 'model' | 'accessKey'; days: number }) {
  const { t } = useTranslation();
  const usage = useUsage(groupBy, days);
  return (
    <>
      <Title order={2} size="h4" mb="sm">
        {t(`overview.by.${groupBy}`)}
      </Title>
      <DataTable
        label={t(`overview.by.${groupBy}`)}
        query={usage}
        rows={usage.data}
        rowKey={(row) => row.modelId ?? row.accessKeyId ?? 'none'}
        empty={t('overview.noCalls')}
        columns={[
          {
            title: t(groupBy === 'model' ? 'field.model' : 'field.accessKey'),
            cell: (row) => row.modelIdentifier ?? row.accessKeyName ?? t('overview.noKey'),
          },
          { title: t('field.requests'), align: 'end', cell: ({ requests }) => requests.toLocaleString() },
          {
            ...{ title: t('field.tokens'), align: 'end', from: 'sm' },
            cell: (row) => (row.promptTokens + row.completionTokens).toLocaleString(),
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} /> },
        ]}
      />
    </>
  );
}
