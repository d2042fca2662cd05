/** The statement of a month: what was there, what came, what was spent, what is left. */
import '@mantine/dates/styles.layer.css';
import { Button, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { MonthPickerInput } from '@mantine/dates';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { SETTINGS } from '../settings.ts';
import { DataTable } from '../shared/data-table.tsx';
import { calendarOf } from '../shared/day-input.tsx';
import { today } from '../shared/days.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
import { Time } from '../shared/time.tsx';

const LINES = ['opening', 'grants', 'topUps', 'adjustments', 'refunds', 'chargebacks', 'charges', 'closing'] as const;

const QUANTITIES = ['promptTokens', 'completionTokens', 'imageCount', 'characters', 'audioSeconds'] as const;

export default function Statements() {
  const { t, i18n } = useTranslation();
  const calendar = calendarOf(i18n.language);
  const [month, setMonth] = useState(() => today(SETTINGS.timeZone));
  const query = { month: month.slice(0, 7) };
  const file = new URLSearchParams({ ...query, format: 'csv' });
  const statement = api.useQuery('get', '/v1/billing/statement', { params: { query } });
  return (
    <Page
      title={t('statements.title')}
      about={t('statements.about')}
      actions={
        <>
          <Button component="a" variant="default" href={`/v1/billing/statement?${file}`} download>
            CSV
          </Button>
          <Button variant="default" onClick={() => window.print()}>
            {t('statements.print')}
          </Button>
        </>
      }
    >
      <MonthPickerInput
        label={t('statements.month')}
        locale={calendar.locale}
        maw={240}
        maxDate={today(SETTINGS.timeZone)}
        valueFormat={calendar.month}
        value={month}
        onChange={(value) => value !== null && setMonth(value)}
      />
      {!statement.data && <NotLoaded query={statement} />}
      {statement.data && (
        <Stack gap="lg">
          <Paper withBorder maw={480}>
            <Table.ScrollContainer
              minWidth={0}
              scrollAreaProps={{ offsetScrollbars: false, viewportProps: { tabIndex: 0 } }}
            >
              <Table aria-label={t('statements.sum')} verticalSpacing="xs" horizontalSpacing="md">
                <Table.Tbody>
                  {LINES.map((line) => (
                    <Table.Tr key={line}>
                      <Table.Th scope="row" fw={line === 'closing' ? 700 : 400}>
                        {t(`statements.${line}`)}
                      </Table.Th>
                      <Table.Td ta="end" data-testid={line}>
                        <Money amount={statement.data[line]} bold={line === 'closing'} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </Paper>
          <Title order={2} size="h4">
            {t('statements.entries')}
          </Title>
          <DataTable
            label={t('statements.entries')}
            query={statement}
            rows={statement.data.entries}
            rowKey={({ kind, id }) => `${kind} ${id}`}
            empty={t('statements.noEntries')}
            columns={[
              { title: t('field.time'), cell: ({ createdAt }) => <Time at={createdAt} /> },
              { title: t('field.kind'), cell: ({ kind }) => t(`transfer.${kind}`) },
              { title: t('field.note'), cell: ({ note }) => <Text size="sm">{note ?? '–'}</Text> },
              { title: t('field.amount'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
            ]}
          />
          <Title order={2} size="h4">
            {t('statements.byModel')}
          </Title>
          <DataTable
            label={t('statements.byModel')}
            query={statement}
            rows={statement.data.chargesByModelAndKey}
            rowKey={(row) => `${row.modelId} ${row.accessKeyId} ${row.priceRule}`}
            empty={t('overview.noCalls')}
            columns={[
              { title: t('field.model'), cell: ({ modelIdentifier }) => modelIdentifier },
              { title: t('field.accessKey'), cell: ({ accessKeyName }) => accessKeyName },
              {
                ...{ title: t('statements.used'), align: 'end' },
                cell: (row) => (
                  <Stack gap={0}>
                    {QUANTITIES.filter((name) => row[name] > 0).map((name) => (
                      <Text key={name} size="sm" className="time">
                        {t(`statements.quantity.${name}`, {
                          ...{ count: row[name], amount: row[name].toLocaleString(i18n.language) },
                        })}
                      </Text>
                    ))}
                  </Stack>
                ),
              },
              { title: t('field.requests'), align: 'end', cell: ({ calls }) => calls.toLocaleString() },
              { title: t('field.cost'), align: 'end', cell: ({ amount }) => <Money amount={amount} /> },
            ]}
          />
        </Stack>
      )}
    </Page>
  );
}
