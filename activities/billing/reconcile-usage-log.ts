/** Whether the usage log in MongoDB says the same as the ledger, day by day. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import type { UsageDaySum, UsageStore } from '../usage/usage-store.ts';

/** The log to compare with. */
export interface ComparedLog {
  readonly store: Pick<UsageStore, 'sumsByDay'>;
  /** The first local day of which the log still has everything; older days have been deleted. */
  readonly firstDay: string;
}

export type DaySums = ReadonlyMap<string, UsageDaySum>;

interface SumRow {
  readonly day: string;
  readonly cost: string;
  readonly calls: string;
}

const NOTHING: UsageDaySum = { cost: 0n, calls: 0 };

/** Successful calls and what they cost, from the ledger. */
export async function ledgerByDay(sequelize: Sequelize, firstDay: string, transaction?: Transaction): Promise<DaySums> {
  const rows = await sequelize.query<SumRow>(
    `SELECT day, -SUM(amount) AS cost, SUM(kind='charge') AS calls FROM transfers
      WHERE kind IN ('charge','overrun') AND day>=? GROUP BY day`,
    { replacements: [firstDay], type: QueryTypes.SELECT, ...(transaction && { transaction }) },
  );
  return sumsOf(rows);
}

/** The same of documents that are still on their way. */
export async function uncarriedByDay(sequelize: Sequelize, transaction: Transaction): Promise<DaySums> {
  const slots = await sequelize.query<{ slot: number; seq: string }>(
    'SELECT w.slot, COALESCE(m.seq,0) AS seq FROM writers w LEFT JOIN usage_watermarks m ON m.slot=w.slot',
    { type: QueryTypes.SELECT, transaction },
  );
  let sums: DaySums = new Map();
  for (const { slot, seq } of slots) {
    const rows = await sequelize.query<SumRow>(
      `SELECT day, SUM(CAST(JSON_UNQUOTE(JSON_EXTRACT(doc,'$.cost')) AS SIGNED)) AS cost, COUNT(*) AS calls
         FROM usage_outbox WHERE slot=? AND seq>? AND JSON_UNQUOTE(JSON_EXTRACT(doc,'$.isSuccess'))='true' GROUP BY day`,
      { replacements: [slot, seq], type: QueryTypes.SELECT, transaction },
    );
    sums = combine(sums, sumsOf(rows), 1n);
  }
  return sums;
}

function sumsOf(rows: readonly SumRow[]): DaySums {
  return new Map(rows.map(({ day, cost, calls }) => [day, { cost: BigInt(cost), calls: Number(calls) }]));
}

/** `a` + `sign` x `b`, for every day of either. */
function combine(a: DaySums, b: DaySums, sign: 1n | -1n): DaySums {
  const days = new Set([...a.keys(), ...b.keys()]);
  const sum = (day: string): UsageDaySum => {
    const [left, right] = [a.get(day) ?? NOTHING, b.get(day) ?? NOTHING];
    return { cost: left.cost + sign * right.cost, calls: left.calls + Number(sign) * right.calls };
  };
  return new Map([...days].map((day) => [day, sum(day)]));
}

export type LogComparison =
  | { readonly kind: 'compared'; readonly days: number; readonly wrong: readonly string[] }
  | { readonly kind: 'not-compared'; readonly reason: string };

/**
 * Compares the log as it is now with the ledger: it has at least what had been carried over at the snapshot, and at
 * most what the ledger has afterwards. With no calls meanwhile both are the same.
 */
export async function compareLog(
  sequelize: Sequelize,
  log: ComparedLog,
  snapshot: { readonly ledger: DaySums; readonly uncarried: DaySums },
): Promise<LogComparison> {
  try {
    const logged = await log.store.sumsByDay(log.firstDay);
    const after = await ledgerByDay(sequelize, log.firstDay);
    return compareDays(combine(snapshot.ledger, snapshot.uncarried, -1n), logged, after, log.firstDay);
  } catch (error) {
    if (error instanceof AppError && error.kind === 'databaseUnavailable') {
      return { kind: 'not-compared', reason: 'MongoDB is away' };
    }
    throw error;
  }
}

/** Pure. */
export function compareDays(atLeast: DaySums, logged: DaySums, atMost: DaySums, firstDay: string): LogComparison {
  const days = [...new Set([...atLeast.keys(), ...logged.keys(), ...atMost.keys()])].filter((day) => day >= firstDay);
  const wrong = days.sort().flatMap((day) => {
    const [low, found, high] = [atLeast, logged, atMost].map((sums) => sums.get(day) ?? NOTHING);
    if (!low || !found || !high) return [];
    const fits = (field: keyof UsageDaySum) => low[field] <= found[field] && found[field] <= high[field];
    if (fits('cost') && fits('calls')) return [];
    return [`usage log of ${day}: ${found.calls} calls, ${found.cost}; ledger: ${high.calls} calls, ${high.cost}`];
  });
  return { kind: 'compared', days: days.length, wrong };
}
