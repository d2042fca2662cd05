/** The audit log: who changed what, when, from what to what. */
import { Group, Stack, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { AuditRecord } from '../api/generated/schema.ts';
import { actions } from '../language/en/api.ts';
import { operations } from '../language/en/operations.ts';
import { Choice, TextFilter } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { DayRange } from '../shared/day-input.tsx';
import { readDay } from '../shared/days.ts';
import { actionText, fieldText, valueText } from '../shared/failure.ts';
import { useFilters, usePage } from '../shared/filters.ts';
import { Id, lookupOf } from '../shared/id.tsx';
import { moneyText } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { Time } from '../shared/time.tsx';
import { UserFilter, UserLink } from '../shared/user-filter.tsx';
import { type Change, changesOf } from './audit-changes.ts';
import { nameOf, unitOf } from './price-text.tsx';

const PAGE_ROWS = 20;
const ACTIONS = Object.keys(actions);
const TEXTS = ['targetId', 'traceId'] as const;
const NAMES = ['from', 'until', 'actor', 'action', ...TEXTS] as const;

export default function Audit() {
  const { t } = useTranslation();
  const { values, settled, set } = useFilters(NAMES);
  const days = { from: readDay(values.from), until: readDay(values.until) };
  const filter = {
    ...(settled.action === undefined ? {} : { action: settled.action }),
    ...(settled.targetId === undefined ? {} : { targetId: settled.targetId }),
    ...(settled.traceId === undefined ? {} : { traceId: settled.traceId }),
    ...(values.actor === undefined ? {} : { actorUserId: values.actor }),
    ...(days.from === undefined ? {} : { startDate: days.from }),
    ...(days.until === undefined ? {} : { endDate: days.until }),
  };
  const pages = usePage(JSON.stringify(filter));
  const query = { pageNum: pages.page, pageSize: PAGE_ROWS, ...filter };
  const records = api.useQuery('get', '/v1/audit', { params: { query } });
  const labels = { targetId: t('audit.target'), traceId: t('field.traceId') };
  return (
    <Page title={t('audit.title')} about={t('audit.about')}>
      <Group align="end" className="filters">
        <DayRange days={days} onChange={set} clearable />
        <UserFilter label={t('audit.actor')} value={values.actor} onChange={(id) => set('actor', id)} />
        <Choice
          label={t('audit.action')}
          values={ACTIONS}
          textOf={actionText}
          value={values.action}
          onChange={(action) => set('action', action)}
          searchable
        />
        {TEXTS.map((name) => (
          <TextFilter
            key={name}
            label={labels[name]}
            width={170}
            value={values[name]}
            onChange={(text) => set(name, text)}
          />
        ))}
      </Group>
      <DataTable
        label={t('audit.title')}
        query={records}
        rows={records.data?.records}
        rowKey={({ id }) => id}
        empty={t('audit.none')}
        pages={<Pages {...pages} of={records.data} />}
        columns={[
          {
            title: t('field.time'),
            cell: (record) => (
              <Stack gap={2}>
                <Time at={record.createdAt} />
                <Actor {...record} />
              </Stack>
            ),
          },
          {
            title: t('audit.action'),
            cell: (record) => (
              <Stack gap={2}>
                <Text size="sm" fw={500}>
                  {actionText(record.action)}
                </Text>
                <Group gap={4} wrap="nowrap">
                  <Text size="xs" c="dimmed" className="time">
                    <Kind name={record.targetKind} />
                  </Text>
                  <Id id={record.targetId} short />
                </Group>
              </Stack>
            ),
          },
          { title: t('audit.change'), cell: (record) => <Changes record={record} /> },
          {
            ...{ title: t('field.traceId'), from: 'lg' },
            cell: ({ traceId }) => (traceId === null ? '–' : <Id id={traceId} to={lookupOf(traceId)} short />),
          },
        ]}
      />
    </Page>
  );
}

/** What was changed; a kind of a later version is named as the log does. */
function Kind({ name }: { name: string }) {
  const { t } = useTranslation();
  return isKind(name) ? t(`audit.kinds.${name}`) : name;
}

function isKind(name: string): name is keyof typeof operations.audit.kinds {
  return Object.hasOwn(operations.audit.kinds, name);
}

function Actor({ actorUserId, actorName }: AuditRecord) {
  const { t } = useTranslation();
  if (actorUserId !== null) return <UserLink userId={actorUserId} name={actorName} />;
  return <Text size="sm">{actorName === 'command line' ? t('audit.operator') : actorName}</Text>;
}

/** Parts of a price by the words of its form. */
function FieldName({ field, price }: Change) {
  const { t } = useTranslation();
  if (price === undefined) return fieldText(field);
  const { name, rule, capabilities } = price;
  const part = `${t(`pricing.name.${nameOf(name, capabilities)}`)}, ${t(`pricing.unit.${unitOf(name, capabilities)}`)}`;
  return rule === undefined ? part : `${t('pricing.rule', { number: rule })}: ${part}`;
}

/** Each field that is another now. */
function Changes({ record }: { record: AuditRecord }) {
  const { i18n } = useTranslation();
  const shown = ({ isMoney }: Change, text: string | undefined) => {
    if (text === undefined) return undefined;
    return isMoney ? moneyText(text, i18n.language) : valueText(text);
  };
  return (
    <Table withRowBorders={false} verticalSpacing={2} horizontalSpacing={4} w="auto" className="changes">
      <Table.Tbody>
        {changesOf(record.before, record.after).map((change) => (
          <Table.Tr key={change.field}>
            <Table.Th scope="row" fw={400} fz="xs" style={{ verticalAlign: 'top' }}>
              <FieldName {...change} />
            </Table.Th>
            <Table.Td fz="xs" style={{ overflowWrap: 'anywhere' }}>
              {change.before !== undefined && `${shown(change, change.before) || '–'} → `}
              <Text span inherit fw={600}>
                {shown(change, change.after) || '–'}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
