/** Who spent what: by user, key, model, provider, day or tag, in any time. */
import '@mantine/dates/styles.layer.css';
import { Button, Group, Select, SimpleGrid } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { operations } from '../api/generated/schema.ts';
import { DataTable } from '../shared/data-table.tsx';
import { lastDays, today } from '../shared/days.ts';
import { Figure } from '../shared/figure.tsx';
import { useFilters } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';

const GROUPS = [...(['user', 'accessKey', 'model', 'provider', 'day', 'tag'] as const)];
const WEEK_DAYS = 7;
const MOST_GROUPS = 100;

type Spent = operations['getSpend']['responses']['200']['content']['application/json']['groups'][number];

function nameOf(row: Spent): string {
  return row.date ?? row.modelIdentifier ?? row.username ?? row.accessKeyName ?? row.providerName ?? row.tag ?? '–';
}

export default function Spend() {
  const { t, i18n } = useTranslation();
  const { values, set } = useFilters(['by', 'from', 'until']);
  const groupBy = GROUPS.find((name) => name === values.by) ?? 'user';
  const startDate = values.from ?? lastDays(WEEK_DAYS)[0];
  const endDate = values.until ?? today();
  const query = { groupBy, startDate, endDate, limit: MOST_GROUPS };
  const spend = api.useQuery('get', '/v1/statistics/spend', { params: { query } });
  const locale = i18n.language === 'zh' ? 'zh-cn' : 'en';
  return (
    <Page title={t('spend.title')} about={t('spend.about')} actions={<Download rows={spend.data?.groups ?? []} />}>
      <Group align="end">
        <Select
          label={t('spend.by')}
          allowDeselect={false}
          data={GROUPS.map((value) => ({ value, label: t(`spend.group.${value}`) }))}
          value={groupBy}
          onChange={(value) => set('by', value)}
        />
        <DatePickerInput
          label={t('calls.from')}
          locale={locale}
          value={startDate}
          onChange={(value) => set('from', value)}
        />
        <DatePickerInput
          label={t('calls.until')}
          locale={locale}
          value={endDate}
          onChange={(value) => set('until', value)}
        />
      </Group>
      <SimpleGrid cols={{ base: 1, xs: 2 }} maw={560}>
        <Figure label={t('overview.spent')} value={spend.data && <Money amount={spend.data.total.cost} />} />
        <Figure label={t('overview.requests')} value={spend.data?.total.requests.toLocaleString()} />
      </SimpleGrid>
      <DataTable
        label={t('spend.title')}
        query={spend}
        rows={spend.data?.groups}
        rowKey={(row) => `${row.userId} ${row.accessKeyId} ${row.modelId} ${row.providerId} ${nameOf(row)}`}
        empty={t('overview.noCalls')}
        columns={[
          { title: t(`spend.group.${groupBy}`), cell: nameOf },
          { title: t('field.requests'), align: 'end', cell: ({ requests }) => requests.toLocaleString() },
          {
            ...{ title: t('field.tokens'), align: 'end', from: 'sm' },
            cell: (row) => (row.promptTokens + row.completionTokens).toLocaleString(),
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} bold /> },
        ]}
      />
    </Page>
  );
}

/** What is shown, as a file for a spreadsheet; amounts as they are. */
function Download({ rows }: { rows: readonly Spent[] }) {
  const save = () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const lines = rows.map((row) => [quoted(nameOf(row)), row.requests, row.cost].join(','));
    const url = URL.createObjectURL(new Blob([`name,requests,cost\n${lines.join('\n')}\n`], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = 'spend.csv';
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Button variant="default" onClick={save} disabled={rows.length === 0}>
      CSV
    </Button>
  );
}
