/** Checks the invariants of the ledger on one state of the database and keeps the result. Reads only. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { z } from 'zod';
import { inSnapshot } from '../../infra/mysql/snapshot.ts';
import type { UsageSums } from '../usage/usage-sums.ts';
import { countingSql, EXAMPLES, INVARIANTS, type Invariant } from './reconcile-invariants.ts';
import { ledgerSums, uncarriedSums } from './reconcile-ledger-sums.ts';
import { type ComparedLog, compareLog } from './reconcile-usage-log.ts';

const invariantReport = z.object({
  name: z.string(),
  /** Rows, accounts or days that were looked at. */
  checked: z.number(),
  breaches: z.number(),
  /** The first few breaches. */
  examples: z.array(z.string()),
  /** What could not be checked, and why. */
  note: z.string().exactOptional(),
});
export type InvariantReport = z.output<typeof invariantReport>;

export interface Reconciliation {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly breaches: number;
  readonly invariants: readonly InvariantReport[];
}

/**
 * Checks all invariants and stores the result. Takes seconds for a million rows and locks none.
 * @param log the usage log to compare with; without one, only the statistics are.
 */
export async function reconcile(sequelize: Sequelize, log?: ComparedLog): Promise<Reconciliation> {
  const startedAt = new Date();
  const { reports, sums } = await inSnapshot(sequelize, async (snapshot) => ({
    reports: await checkAll(sequelize, snapshot),
    sums: log && (await readSums(sequelize, log, snapshot)),
  }));
  const invariants = log && sums ? await withLog(reports, sequelize, log, sums) : withoutLog(reports);
  const breaches = invariants.reduce((sum, invariant) => sum + invariant.breaches, 0);
  const result = { startedAt, finishedAt: new Date(), breaches, invariants };
  await store(sequelize, result);
  return result;
}

async function checkAll(sequelize: Sequelize, snapshot: Transaction): Promise<InvariantReport[]> {
  const reports: InvariantReport[] = [];
  // One after the other: a snapshot is one connection.
  for (const invariant of INVARIANTS) reports.push(await check(sequelize, invariant, snapshot));
  return reports;
}

async function check(sequelize: Sequelize, invariant: Invariant, snapshot: Transaction): Promise<InvariantReport> {
  const [row] = await sequelize.query<{ checked: string; breaches: string; examples: string | null }>(
    countingSql(invariant),
    { type: QueryTypes.SELECT, transaction: snapshot },
  );
  const examples = row?.examples ? row.examples.split('\n').slice(0, EXAMPLES) : [];
  return { name: invariant.name, checked: Number(row?.checked), breaches: Number(row?.breaches), examples };
}

interface SnapshotSums {
  readonly ledger: UsageSums;
  readonly uncarried: UsageSums;
}

async function readSums(sequelize: Sequelize, log: ComparedLog, snapshot: Transaction): Promise<SnapshotSums> {
  return {
    ledger: await ledgerSums(sequelize, log.firstDay, snapshot),
    uncarried: await uncarriedSums(sequelize, snapshot),
  };
}

/** The last invariant speaks of the log too. */
async function withLog(
  reports: readonly InvariantReport[],
  sequelize: Sequelize,
  log: ComparedLog,
  sums: SnapshotSums,
): Promise<InvariantReport[]> {
  const comparison = await compareLog(sequelize, log, sums);
  if (comparison.kind === 'not-compared') return withNote(reports, `usage log not compared: ${comparison.reason}`);
  const { groups, wrong } = comparison;
  return changeLast(reports, (last) => ({
    ...last,
    checked: last.checked + groups,
    breaches: last.breaches + wrong.length,
    examples: [...last.examples, ...wrong].slice(0, EXAMPLES),
  }));
}

function withoutLog(reports: readonly InvariantReport[]): InvariantReport[] {
  return withNote(reports, 'usage log not compared: none was given');
}

function withNote(reports: readonly InvariantReport[], note: string): InvariantReport[] {
  return changeLast(reports, (last) => ({ ...last, note }));
}

function changeLast(
  reports: readonly InvariantReport[],
  change: (last: InvariantReport) => InvariantReport,
): InvariantReport[] {
  return reports.map((report, index) => (index === reports.length - 1 ? change(report) : report));
}

async function store(sequelize: Sequelize, result: Reconciliation): Promise<void> {
  const { startedAt, finishedAt, breaches, invariants } = result;
  await sequelize.query(
    'INSERT INTO reconciliations (started_at,finished_at,breaches,report) VALUES (:startedAt,:finishedAt,:breaches,:report)',
    { replacements: { startedAt, finishedAt, breaches, report: JSON.stringify(invariants) } },
  );
}

/** The newest result, for health and metrics; undefined before the first. */
export async function lastReconciliation(sequelize: Sequelize): Promise<Reconciliation | undefined> {
  const [row] = await sequelize.query<{ started_at: Date; finished_at: Date; breaches: number; report: unknown }>(
    'SELECT started_at, finished_at, breaches, report FROM reconciliations ORDER BY id DESC LIMIT 1',
    { type: QueryTypes.SELECT },
  );
  if (!row) return undefined;
  // MariaDB keeps JSON as text.
  const report: unknown = typeof row.report === 'string' ? JSON.parse(row.report) : row.report;
  return {
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    breaches: row.breaches,
    invariants: z.array(invariantReport).parse(report),
  };
}
