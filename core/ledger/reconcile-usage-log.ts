/** Whether the usage log in MongoDB says the same as the ledger, by day and model and by day and user. */
import type { Sequelize } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import type { UsageStore } from '../usage/usage-store.ts';
import { combine, SUMMED, type UsageSums } from '../usage/usage-sums.ts';
import { ledgerSums } from './reconcile-ledger-sums.ts';

/** The log to compare with. */
export interface ComparedLog {
  readonly store: Pick<UsageStore, 'sums'>;
  /** The first local day that is still complete in the log; older days have been deleted. */
  readonly firstDay: string;
}

export type LogComparison =
  | { readonly kind: 'compared'; readonly groups: number; readonly wrong: readonly string[] }
  | { readonly kind: 'not-compared'; readonly reason: string };

/**
 * Compares the present log with the ledger. The log has at least what had been copied at the snapshot, and at most what
 * the ledger has afterwards. Without calls in between both are equal.
 */
export async function compareLog(
  sequelize: Sequelize,
  log: ComparedLog,
  snapshot: { readonly ledger: UsageSums; readonly uncarried: UsageSums },
): Promise<LogComparison> {
  try {
    const logged = await log.store.sums(log.firstDay);
    const after = await ledgerSums(sequelize, log.firstDay);
    return compareSums(combine(snapshot.ledger, snapshot.uncarried, -1n), logged, after, log.firstDay);
  } catch (error) {
    if (error instanceof AppError && error.kind === 'databaseUnavailable') {
      return { kind: 'not-compared', reason: 'MongoDB is away' };
    }
    throw error;
  }
}

/** Pure. */
export function compareSums(atLeast: UsageSums, logged: UsageSums, atMost: UsageSums, firstDay: string): LogComparison {
  // A key begins with its day.
  const groups = [...new Set([...atLeast.keys(), ...logged.keys(), ...atMost.keys()])].filter((key) => key >= firstDay);
  const wrong = groups.sort().flatMap((group) => {
    const differing = SUMMED.flatMap((field) => {
      const low = atLeast.get(group)?.[field] ?? 0n;
      const found = logged.get(group)?.[field] ?? 0n;
      const high = atMost.get(group)?.[field] ?? 0n;
      return low <= found && found <= high ? [] : [`${field} ${found}, in the ledger ${high}`];
    });
    return differing.length === 0 ? [] : [`usage log of ${group}: ${differing.join('; ')}`];
  });
  return { kind: 'compared', groups: groups.length, wrong };
}
