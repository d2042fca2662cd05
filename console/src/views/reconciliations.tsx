/** Is the money right? The last check of the ledger, invariant by invariant, the checks before, and one now. */
import { Alert, Badge, Button, Group, List, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { Check, CircleCheck, CircleX, X } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { operations } from '../api/generated/schema.ts';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useCursor } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { EmptyState, NotLoaded } from '../shared/page-states.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Duration, Time } from '../shared/time.tsx';

type Reconciliation =
  operations['listReconciliations']['responses']['200']['content']['application/json']['records'][number];
type Finding = Reconciliation['findings'][number];

const PAGE_ROWS = 20;

/** The API names invariants in English. */
const INVARIANTS = {
  'transfers of an account = available - debt + held': 'balances',
  'a closed hold is captured and released in full': 'holds',
  'every charge has its captured hold, every captured hold its charge': 'charges',
  'nothing is negative, a debt is paid first, every transfer has the sign of its kind': 'signs',
  'every job has the hold and the charge of its status, every order its credit and what was given back': 'jobs',
  'cash in + grants + adjustments - refunds = balances + held - debt + charges': 'sum',
  'statistics and usage log = sums over the ledger': 'statistics',
} as const;

function isKnown(name: string): name is keyof typeof INVARIANTS {
  return name in INVARIANTS;
}

export default function Reconciliations() {
  const { t } = useTranslation();
  const [shown, setShown] = useState<Reconciliation>();
  const cursor = useCursor('');
  const query = { pageSize: PAGE_ROWS, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const newest = api.useQuery('get', '/v1/admin/reconciliations', { params: { query: { pageSize: 1 } } });
  const checks = api.useQuery('get', '/v1/admin/reconciliations', { params: { query } });
  const run = api.useMutation('post', '/v1/admin/reconciliations');
  const [last] = newest.data?.records ?? [];
  return (
    <Page
      title={t('reconciliations.title')}
      about={t('reconciliations.about')}
      actions={
        <Button loading={run.isPending} onClick={() => run.mutate({})}>
          {t('reconciliations.run')}
        </Button>
      }
    >
      {!newest.data && <NotLoaded query={newest} />}
      {newest.data && !last && <EmptyState text={t('reconciliations.none')} />}
      {last && <Result check={last} />}
      <Title order={2} size="h4">
        {t('reconciliations.earlier')}
      </Title>
      <DataTable
        label={t('reconciliations.earlier')}
        query={checks}
        rows={checks.data?.records}
        rowKey={({ id }) => id}
        empty={t('reconciliations.none')}
        pages={<CursorPages {...cursor} nextCursor={checks.data?.next} />}
        columns={[
          { title: t('field.time'), cell: ({ finishedAt }) => <Time at={finishedAt} /> },
          {
            title: t('field.status'),
            cell: ({ breaches }) => <StatusBadge status={breaches === 0 ? 'right' : 'wrong'} />,
          },
          {
            ...{ title: t('reconciliations.findings'), align: 'end' },
            cell: ({ breaches }) => breaches.toLocaleString(),
          },
          {
            ...{ title: t('reconciliations.took'), align: 'end' },
            cell: ({ startedAt, finishedAt }) => <Duration from={startedAt} until={finishedAt} />,
          },
          {
            ...{ title: t('field.actions'), align: 'end' },
            cell: (check) => (
              <Button variant="subtle" size="compact-sm" onClick={() => setShown(check)}>
                {t('all.details')}
              </Button>
            ),
          },
        ]}
      />
      <Details title={t('reconciliations.title')} opened={shown !== undefined} onClose={() => setShown(undefined)}>
        {shown && <Result check={shown} />}
      </Details>
    </Page>
  );
}

function Result({ check }: { check: Reconciliation }) {
  const { t } = useTranslation();
  const right = check.breaches === 0;
  return (
    <Paper withBorder p="md" data-testid="check">
      <Stack>
        <Group wrap="nowrap">
          <ThemeIcon color={right ? 'green' : 'red'} size={44} radius="xl" variant="light">
            {right ? <CircleCheck aria-hidden /> : <CircleX aria-hidden />}
          </ThemeIcon>
          <Stack gap={0}>
            <Text size="lg" fw={700}>
              {right ? t('reconciliations.right') : t('reconciliations.wrong', { count: check.breaches })}
            </Text>
            <Text size="sm" c="dimmed">
              <Time at={check.finishedAt} /> · {t('reconciliations.took')}{' '}
              <Duration from={check.startedAt} until={check.finishedAt} />
            </Text>
          </Stack>
        </Group>
        <Stack gap="sm">
          {check.findings.map((finding) => (
            <FindingLine key={finding.name} finding={finding} />
          ))}
        </Stack>
      </Stack>
    </Paper>
  );
}

function FindingLine({ finding }: { finding: Finding }) {
  const { t } = useTranslation();
  const { name, checked, breaches, examples, note } = finding;
  const right = breaches === 0;
  return (
    <Stack gap={4}>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ThemeIcon color={right ? 'green' : 'red'} size="sm" radius="xl" variant="light" mt={2}>
          {right ? <Check size={14} aria-hidden /> : <X size={14} aria-hidden />}
        </ThemeIcon>
        <Text size="sm" flex={1} miw={0} style={{ overflowWrap: 'anywhere' }}>
          {isKnown(name) ? t(`reconciliations.invariant.${INVARIANTS[name]}`) : name}
        </Text>
        <Badge variant="default" tt="none" fw={500} miw="max-content">
          {right ? t('reconciliations.checked', { count: checked }) : breaches.toLocaleString()}
        </Badge>
      </Group>
      {note !== undefined && (
        <Text size="xs" c="dimmed" ml={34} style={{ overflowWrap: 'anywhere' }}>
          {note}
        </Text>
      )}
      {examples.length > 0 && (
        <Alert color="red" variant="outline" ml={34} p="xs">
          <List size="xs">
            {examples.map((example) => (
              <List.Item key={example} style={{ overflowWrap: 'anywhere' }}>
                {example}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}
