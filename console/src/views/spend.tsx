/** Who spent what: by user, key, model, provider, day or tag, in any time. */
import { Anchor, Button, Code, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { operations } from '../api/generated/schema.ts';
import { useUser } from '../session.tsx';
import { SETTINGS } from '../settings.ts';
import { DataTable } from '../shared/data-table.tsx';
import { DayRange } from '../shared/day-input.tsx';
import { addDays, countDays, lastDays, readDay, today } from '../shared/days.ts';
import { Figure } from '../shared/figure.tsx';
import { useFilters } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { UserLink, useAnyUserFilter } from '../shared/user-filter.tsx';

const GROUPS = ['user', 'accessKey', 'model', 'provider', 'day', 'tag'] as const;
const WEEK_DAYS = 7;
const MOST_GROUPS = 100;
const MOST_IN_FILE = 10_000;

type Answer = operations['getSpend']['responses']['200']['content']['application/json'];
type Spent = Answer['groups'][number];

function nameOf({ date, modelIdentifier, accessKeyName, username, providerName, tag }: Spent): string {
  return (date ?? modelIdentifier ?? accessKeyName ?? username ?? providerName ?? tag) || '–';
}

/** The same in another time. */
function groupOf({ date, modelId, accessKeyId, userId, providerId, tag }: Spent): string {
  return JSON.stringify({ date, modelId, accessKeyId, userId, providerId, tag });
}

/** Groups beyond the most that are shown are one line without a group, so that the lines add up to the total. */
function linesOf({ groups, rest }: Answer) {
  const lines = groups.map((group) => ({ key: groupOf(group), group, ...group }));
  if (rest.requests === 0 && Number(rest.cost) === 0) return lines;
  return [...lines, { key: 'others', group: undefined, ...rest }];
}

export default function Spend() {
  const { t } = useTranslation();
  const user = useAnyUserFilter();
  const { values, set } = useFilters(['by', 'from', 'until']);
  const groupBy = GROUPS.find((name) => name === values.by) ?? 'user';
  const endDate = readDay(values.until) ?? today(SETTINGS.timeZone);
  const startDate = readDay(values.from) ?? lastDays(WEEK_DAYS, SETTINGS.timeZone)[0] ?? endDate;
  const asked = { groupBy, startDate, endDate, ...user.query };
  const query = { ...asked, limit: MOST_GROUPS };
  const spend = api.useQuery('get', '/v1/statistics/spend', { params: { query } });
  const days = countDays(startDate, endDate);
  const before = { startDate: addDays(startDate, -days), endDate: addDays(startDate, -1) };
  const earlier = api.useQuery('get', '/v1/statistics/spend', {
    params: { query: { ...query, ...before, limit: MOST_IN_FILE } },
  });
  const spentBefore = new Map(earlier.data?.groups.map((group) => [groupOf(group), group.cost]));
  const costBefore = (group: Spent | undefined) =>
    group && earlier.data && (spentBefore.get(groupOf(group)) ?? (Number(earlier.data.rest.cost) === 0 ? '0' : null));
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
      <Group align="end" className="filters">
        <Select
          label={t('spend.by')}
          allowDeselect={false}
          data={GROUPS.map((value) => ({ value, label: t(`spend.group.${value}`) }))}
          value={groupBy}
          onChange={(value) => set('by', value)}
        />
        <DayRange days={{ from: startDate, until: endDate }} onChange={set} />
        {user.field}
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
        rows={spend.data && linesOf(spend.data)}
        rowKey={({ key }) => key}
        empty={t('overview.noCalls')}
        columns={[
          {
            title: t(`spend.group.${groupBy}`),
            cell: ({ group }) => (group === undefined ? t('spend.others') : <Name group={group} />),
          },
          { title: t('field.requests'), align: 'end', cell: ({ requests }) => requests.toLocaleString() },
          {
            ...{ title: t('field.tokens'), align: 'end' },
            cell: (row) => (row.promptTokens + row.completionTokens).toLocaleString(),
          },
          { title: t('field.cost'), align: 'end', cell: ({ cost }) => <Money amount={cost} bold /> },
          ...(groupBy === 'day'
            ? []
            : [
                {
                  ...{ title: t('spend.before', { count: days }), align: 'end' as const },
                  cell: ({ group }: { group: Spent | undefined }) => <Money amount={costBefore(group)} />,
                },
              ]),
        ]}
      />
    </Page>
  );
}

/** A user, and a key with its owner, lead to more of them; a key to its calls. */
function Name({ group }: { group: Spent }) {
  const { t } = useTranslation();
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  const { accessKeyMask: mask, accessKeyId, userId, username } = group;
  const owner = isRoot && userId !== undefined ? <UserLink userId={userId} name={username} /> : username;
  if (mask === undefined && userId !== undefined) return owner || '–';
  return (
    <Stack gap={2} align="flex-start">
      <Text size="sm" className="name">
        {nameOf(group)}
      </Text>
      {typeof mask === 'string' && (
        <Group gap="xs">
          {isRoot ? (
            <Anchor component={Link} to={`/all-keys?mask=${encodeURIComponent(mask)}&deleted=true`} size="sm">
              <Code className="time">{mask}</Code>
            </Anchor>
          ) : (
            <Code className="time">{mask}</Code>
          )}
          <Text size="sm" component="span">
            {owner}
          </Text>
        </Group>
      )}
      {typeof accessKeyId === 'number' && (
        <Anchor component={Link} to={`/all-calls?accessKeyId=${accessKeyId}`} size="sm">
          {t('calls.ofKey')}
        </Anchor>
      )}
    </Stack>
  );
}
