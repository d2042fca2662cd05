/** Who spent what: by user, key, model, provider, day or tag, in any time. */
import { Button, Group, Select, SimpleGrid, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { operations } from '../api/generated/schema.ts';
import { SETTINGS } from '../settings.ts';
import { TextFilter } from '../shared/choice.tsx';
import { DataTable } from '../shared/data-table.tsx';
import { DayInput } from '../shared/day-input.tsx';
import { lastDays, readDay, today } from '../shared/days.ts';
import { Figure } from '../shared/figure.tsx';
import { useFilters } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';

const GROUPS = [...(['user', 'accessKey', 'model', 'provider', 'day', 'tag'] as const)];
const WEEK_DAYS = 7;
const MOST_GROUPS = 100;
const MOST_IN_FILE = 10_000;

type Answer = operations['getSpend']['responses']['200']['content']['application/json'];
type Spent = Answer['groups'][number];

function nameOf({ date, modelIdentifier, username, accessKeyName, providerName, tag }: Spent): string {
  return (date ?? modelIdentifier ?? username ?? accessKeyName ?? providerName ?? tag) || '–';
}

/** Groups beyond the most that are shown are one line, so that the lines add up to the total. */
function linesOf({ groups, rest }: Answer, others: string) {
  const lines = groups.map((group, index) => ({ ...group, key: index, name: nameOf(group) }));
  if (rest.requests === 0 && Number(rest.cost) === 0) return lines;
  return [...lines, { ...rest, key: lines.length, name: others }];
}

export default function Spend() {
  const { t } = useTranslation();
  const { values, settled, set } = useFilters(['by', 'from', 'until', 'user']);
  const groupBy = GROUPS.find((name) => name === values.by) ?? 'user';
  const endDate = readDay(values.until) ?? today(SETTINGS.timeZone);
  const startDate = readDay(values.from) ?? lastDays(WEEK_DAYS, SETTINGS.timeZone)[0] ?? endDate;
  const asked = { groupBy, startDate, endDate, ...(settled.user === undefined ? {} : { user: settled.user }) };
  const query = { ...asked, limit: MOST_GROUPS };
  const spend = api.useQuery('get', '/v1/statistics/spend', { params: { query } });
  const file = new URLSearchParams({ ...asked, limit: String(MOST_IN_FILE), format: 'csv' });
  return (
    <Page
      title={t('spend.title')}
      about={t('spend.about')}
      actions={
        <Button component="a" variant="default" href={`/v1/statistics/spend?${file}`} download>
          CSV
        </Button>
      }
    >
      <Group align="end">
        <Select
          label={t('spend.by')}
          allowDeselect={false}
          data={GROUPS.map((value) => ({ value, label: t(`spend.group.${value}`) }))}
          value={groupBy}
          onChange={(value) => set('by', value)}
        />
        <DayInput label={t('calls.from')} value={startDate} onChange={(value) => set('from', value)} />
        <DayInput label={t('calls.until')} value={endDate} onChange={(value) => set('until', value)} />
        <TextFilter label={t('field.user')} value={values.user} onChange={(text) => set('user', text)} />
      </Group>
      <SimpleGrid cols={{ base: 1, xs: 2 }} maw={560}>
        <Figure
          label={t('overview.spent')}
          value={spend.data && <Money amount={spend.data.total.cost} />}
          error={spend.error}
        />
        <Figure
          label={t('overview.requests')}
          value={spend.data?.total.requests.toLocaleString()}
          error={spend.error}
        />
      </SimpleGrid>
      <DataTable
        label={t('spend.title')}
        query={spend}
        rows={spend.data && linesOf(spend.data, t('spend.others'))}
        rowKey={({ key }) => key}
        empty={t('overview.noCalls')}
        columns={[
          {
            title: t(`spend.group.${groupBy}`),
            cell: ({ name }) => (
              <Text size="sm" className="name">
                {name}
              </Text>
            ),
          },
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
