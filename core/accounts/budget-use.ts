/** How much of an access key's budget is spent and held in its running period. */
import type { Sequelize } from 'sequelize';
import { type BudgetPeriod, localDay, periodStart } from '../../infra/calendar.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';

/**
 * Of a key `k` with its row `b` in key_budgets: what that row has less what processes have leased and not spent. All of it
 * counts the period that begins at `b.period_start`.
 */
export const BUDGET_USED = `b.used-(SELECT COALESCE(SUM(l.amount-l.captured-l.released),0) FROM holds l
    WHERE l.state='open' AND l.owner='lease' AND l.access_key_id=k.id AND l.budget_period=b.period_start)`;

/** What is read of a key. Amounts in nano-units. */
export interface CountedBudget {
  readonly budget: bigint | null;
  readonly budgetPeriod: BudgetPeriod | null;
  /** The period that `used` counts, as the day on which it began; null while nothing was spent. */
  readonly periodStart: string | null;
  readonly used: bigint | null;
}

/** @returns what the running period has used, in nano-units; null for a key without a budget. */
export function usedOf(counted: CountedBudget, timeZone: string): bigint | null {
  const { budget, budgetPeriod, periodStart: begun, used } = counted;
  if (budget === null) return null;
  const running = periodStart(localDay(Date.now(), timeZone), budgetPeriod ?? 'total');
  return begun !== null && begun >= running ? (used ?? 0n) : 0n;
}

const counted = rowOf({ id: column.integer, periodStart: orNull(column.day), used: orNull(column.bigint) });

interface BudgetedKey extends Pick<CountedBudget, 'budget' | 'budgetPeriod'> {
  readonly id: number;
}

export class BudgetUse {
  readonly #sequelize: Sequelize;
  readonly #timeZone: string;

  constructor(sequelize: Sequelize, timeZone: string) {
    this.#sequelize = sequelize;
    this.#timeZone = timeZone;
  }

  /** By the id of the key; see `usedOf`. */
  async of(keys: readonly BudgetedKey[]): Promise<ReadonlyMap<number, bigint | null>> {
    const ids = keys.filter(({ budget }) => budget !== null).map(({ id }) => id);
    const sql = `SELECT k.id,b.period_start,${BUDGET_USED} AS used
      FROM access_keys k JOIN key_budgets b ON b.access_key_id=k.id WHERE k.id IN (:ids)`;
    const found = ids.length === 0 ? [] : await select(this.#sequelize, counted.read, sql, { ids });
    const rows = new Map(found.map(({ id, ...row }) => [id, row]));
    const none = { periodStart: null, used: null };
    return new Map(keys.map((key) => [key.id, usedOf({ ...key, ...(rows.get(key.id) ?? none) }, this.#timeZone)]));
  }
}
