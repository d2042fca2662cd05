/** The invariants over the whole database of a run, and the copied usage log; written without the SQL of the product. */
import { QueryTypes, type Sequelize } from 'sequelize';

/** Each statement selects what breaks the rule. */
const RULES: Readonly<Record<string, string>> = {
  'a balance is the sum of its transfers': `
    SELECT a.id, a.available, a.debt FROM accounts a
     WHERE a.available - a.debt
           + COALESCE((SELECT SUM(h.amount-h.captured-h.released) FROM holds h WHERE h.state='open' AND h.account_id=a.id),0)
        <> COALESCE((SELECT SUM(t.amount) FROM transfers t WHERE t.account_id=a.id AND t.kind<>'loss'),0)`,
  'a closed hold is captured or released in whole': `
    SELECT id FROM holds WHERE state<>'open' AND captured+released<>amount`,
  'no call is left open': "SELECT id FROM holds WHERE state='open'",
  'a charge has its captured hold': `
    SELECT t.id FROM transfers t LEFT JOIN holds h ON h.id=t.hold_id
     WHERE t.kind IN ('charge','overrun')
       AND (h.id IS NULL OR h.account_id<>t.account_id
            OR (h.state<>'captured' AND NOT (h.owner='lease' AND h.captured=0 AND t.amount=0)))`,
  'a captured hold has its charge': `
    SELECT h.id FROM holds h LEFT JOIN transfers t ON t.id=h.id AND t.kind='charge'
     WHERE h.state='captured' AND h.owner<>'lease' AND (t.id IS NULL OR t.amount<>-h.captured)`,
  'a lease has captured what the calls were charged that it paid for': `
    SELECT h.id, h.captured FROM holds h
     WHERE h.owner='lease'
       AND h.captured<>COALESCE((SELECT -SUM(t.amount) FROM transfers t WHERE t.hold_id=h.id AND t.kind<>'loss'),0)`,
  'nothing is negative': `
    SELECT id FROM accounts WHERE available<0 OR debt<0 UNION ALL SELECT access_key_id FROM key_budgets WHERE used<0`,
  'who is in debt has nothing to spend': 'SELECT id FROM accounts WHERE debt>0 AND available>0',
  'money in is balances, debt and charges': `
    SELECT * FROM (
      SELECT (SELECT SUM(amount) FROM transfers WHERE kind IN ('grant','top_up','adjustment','refund','chargeback')) AS came,
             (SELECT SUM(available)-SUM(debt) FROM accounts) AS balances,
             (SELECT -SUM(amount) FROM transfers WHERE kind IN ('charge','overrun')) AS charged
    ) s WHERE came <> balances + charged`,
  'a budget has used what was captured in its period': `
    SELECT b.access_key_id, b.period_start, b.used FROM key_budgets b
     WHERE b.used <> COALESCE((
       SELECT SUM(IF(h.state='open',h.amount,h.captured)) FROM holds h
        WHERE h.access_key_id=b.access_key_id AND h.budget_period=b.period_start),0)
     + COALESCE((
       SELECT -SUM(t.amount) FROM transfers t JOIN holds h ON h.id=t.hold_id
        WHERE t.kind='overrun' AND h.owner<>'lease' AND h.access_key_id=b.access_key_id AND h.budget_period=b.period_start),0)`,
  'statistics are the sums of the ledger': `
    SELECT * FROM (
      SELECT (SELECT COALESCE(SUM(successes),0) FROM stats) AS counted, (SELECT COALESCE(SUM(cost),0) FROM stats) AS cost,
             (SELECT COUNT(*) FROM transfers WHERE kind='charge') AS charges,
             (SELECT COALESCE(-SUM(amount),0) FROM transfers WHERE kind IN ('charge','overrun')) AS charged
    ) s WHERE counted<>charges OR cost<>charged`,
};

/** @returns one line for each breach. */
export async function checkInvariants(sequelize: Sequelize): Promise<string[]> {
  const breaches: string[] = [];
  for (const [rule, sql] of Object.entries(RULES)) {
    const rows = await sequelize.query(sql, { type: QueryTypes.SELECT });
    breaches.push(...rows.slice(0, 5).map((row) => `${rule}: ${JSON.stringify(row)}`));
  }
  return breaches;
}

/** No key spends more than its budget in a period, what went over its holds included. */
export async function checkBudgetLimits(sequelize: Sequelize, limits: ReadonlyMap<number, bigint>): Promise<string[]> {
  const rows = await sequelize.query<{ access_key_id: number; budget_period: string; spent: string }>(
    `SELECT h.access_key_id, h.budget_period, SUM(h.captured-COALESCE(o.amount,0)) AS spent
       FROM holds h LEFT JOIN transfers o ON o.id=h.id AND o.kind='overrun'
      WHERE h.budget_period IS NOT NULL GROUP BY h.access_key_id, h.budget_period`,
    { type: QueryTypes.SELECT },
  );
  return rows
    .filter((row) => BigInt(row.spent) > (limits.get(row.access_key_id) ?? 0n))
    .map((row) => `key ${row.access_key_id} spent ${row.spent} in the period of ${row.budget_period}`);
}

/** The usage log is the ledger: each charged call once, with what it was charged. */
export async function checkUsageLog(
  sequelize: Sequelize,
  carried: readonly { readonly id: string; readonly cost: bigint }[],
): Promise<string[]> {
  const charges = await sequelize.query<{ id: string; charged: string }>(
    "SELECT id, -SUM(amount) AS charged FROM transfers WHERE kind IN ('charge','overrun') GROUP BY id",
    { type: QueryTypes.SELECT },
  );
  const documents = Map.groupBy(carried, ({ id }) => id);
  const wrong = charges.filter(({ id, charged }) => {
    const [document, ...more] = documents.get(id) ?? [];
    return document?.cost !== BigInt(charged) || more.length > 0;
  });
  const charged = new Set(charges.map(({ id }) => id));
  const uncharged = [...documents.keys()].filter((id) => !charged.has(id));
  return [
    ...wrong.map(
      ({ id }) => `the usage log has call ${id} ${documents.get(id)?.length ?? 0} times, or with another cost`,
    ),
    ...uncharged.map((id) => `the usage log has call ${id}, which was never charged`),
  ];
}
