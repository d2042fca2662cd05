/** Checks the invariants of the ledger on one state of the database and keeps the result. Reads only. */
import type { Sequelize, Transaction } from 'sequelize';
import { z } from 'zod';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { inSnapshot } from '../../infra/mysql/transaction.ts';
import type { UsageSums } from '../usage/usage-sums.ts';
import { countingSql, EXAMPLES, examplesSql, INVARIANTS, type Invariant } from './reconcile-invariants.ts';
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

const counts = rowOf({ checked: column.integer, breaches: column.integer });
const example = rowOf({ subject: column.text });

async function check(
  sequelize: Sequelize,
  { name, checks }: Invariant,
  snapshot: Transaction,
): Promise<InvariantReport> {
  const report = { name, checked: 0, breaches: 0, examples: [] as string[] };
  for (const rows of checks) {
    const [counted] = await select(sequelize, counts.read, countingSql(rows), undefined, snapshot);
    report.checked += counted?.checked ?? 0;
    report.breaches += counted?.breaches ?? 0;
    const missing = EXAMPLES - report.examples.length;
    if (!counted?.breaches || missing === 0) continue;
    const found = await select(sequelize, example.read, examplesSql(rows, missing), undefined, snapshot);
    report.examples.push(...found.map(({ subject }) => subject));
  }
  return report;
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

/** The last invariant includes the usage log. */
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
  await change(
    sequelize,
    'INSERT INTO reconciliations (started_at,finished_at,breaches,report) VALUES (:startedAt,:finishedAt,:breaches,:report)',
    { startedAt, finishedAt, breaches, report: JSON.stringify(invariants) },
  );
}

const stored = rowOf({
  startedAt: column.time,
  finishedAt: column.time,
  breaches: column.integer,
  report: column.jsonOf(z.array(invariantReport)),
});

const listed = rowOf({
  id: column.integer,
  startedAt: column.time,
  finishedAt: column.time,
  breaches: column.integer,
  report: column.jsonOf(z.array(invariantReport)),
});

/** Results, newest first, by the primary key. @param before only those with a smaller id. */
export async function reconciliations(
  sequelize: Sequelize,
  before: number | undefined,
  limit: number,
): Promise<(Reconciliation & { readonly id: number })[]> {
  const where = before === undefined ? '' : 'WHERE id < :before';
  const sql = `SELECT ${listed.columns} FROM reconciliations ${where} ORDER BY id DESC LIMIT :limit`;
  const found = await select(sequelize, listed.read, sql, { before, limit });
  return found.map(({ report: invariants, ...rest }) => ({ ...rest, invariants }));
}

/** The newest result, for health and metrics; undefined before the first. */
export async function lastReconciliation(sequelize: Sequelize): Promise<Reconciliation | undefined> {
  const sql = `SELECT ${stored.columns} FROM reconciliations ORDER BY id DESC LIMIT 1`;
  const [last] = await select(sequelize, stored.read, sql);
  if (!last) return undefined;
  const { report: invariants, ...rest } = last;
  return { ...rest, invariants };
}
