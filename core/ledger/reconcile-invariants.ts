/**
 * The invariants of the ledger, one SQL each, for MySQL 8 and MariaDB 10.11 alike. A check selects every row that must
 * satisfy it, with `subject` (text for the operator) and `bad` (1 if it does not).
 */

export interface Invariant {
  readonly name: string;
  readonly checks: readonly [string, ...string[]];
}

/** Money that is set aside, for each account. */
const HELD =
  "SELECT account_id, SUM(amount-captured-released) AS held FROM holds WHERE state='open' GROUP BY account_id";

export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'transfers of an account = available - debt + held',
    checks: [
      `SELECT CONCAT('account ',a.id,': transfers ',COALESCE(t.total,0),', balance ',
                     a.available-a.debt+COALESCE(h.held,0)) AS subject,
              COALESCE(t.total,0) <> a.available-a.debt+COALESCE(h.held,0) AS bad
         FROM accounts a
         LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM transfers WHERE kind<>'loss' GROUP BY account_id) t
                ON t.account_id=a.id
         LEFT JOIN (${HELD}) h ON h.account_id=a.id`,
    ],
  },
  {
    name: 'a closed hold is captured and released in full',
    checks: [
      `SELECT CONCAT('hold ',id) AS subject, captured+released<>amount OR (state='released' AND captured<>0) AS bad
         FROM holds WHERE state<>'open'`,
    ],
  },
  {
    name: 'every charge has its captured hold, every captured hold its charge',
    checks: [
      // A charge has the id of its hold, so a hold has at most one; a lease has many.
      `SELECT CONCAT('charge ',t.id) AS subject,
              CASE WHEN h.owner='lease' THEN h.account_id<>t.account_id
                   ELSE h.id IS NULL OR t.id<>h.id OR h.state<>'captured' OR h.captured<>-t.amount
                     OR h.account_id<>t.account_id END AS bad
         FROM transfers t LEFT JOIN holds h ON h.id=t.hold_id WHERE t.kind='charge'`,
      // Both tables are in the order of ids. Reading by account takes five times as long for a million rows.
      `SELECT CONCAT('hold ',h.id) AS subject, t.id IS NULL AS bad
         FROM holds h FORCE INDEX (PRIMARY) LEFT JOIN transfers t ON t.id=h.id AND t.kind='charge'
        WHERE h.state='captured' AND h.owner<>'lease'`,
      // A lease pays for many calls, and for what they cost above their bounds.
      `SELECT CONCAT('lease ',h.id) AS subject, h.captured<>COALESCE(t.charged,0) AS bad
         FROM holds h
         LEFT JOIN (SELECT hold_id, -SUM(amount) AS charged FROM transfers
                     WHERE kind IN ('charge','overrun') AND hold_id<>id GROUP BY hold_id) t ON t.hold_id=h.id
        WHERE h.owner='lease'`,
      `SELECT CONCAT('overrun ',o.id) AS subject, t.id IS NULL OR t.account_id<>o.account_id AS bad
         FROM transfers o LEFT JOIN transfers t ON t.id=o.id AND t.kind='charge' WHERE o.kind='overrun'`,
    ],
  },
  {
    name: 'nothing is negative, a debt is paid first, every transfer has the sign of its kind',
    checks: [
      `SELECT CONCAT('account ',id) AS subject,
              available<0 OR debt<0 OR (debt>0 AND available>0) OR COALESCE(pending_grant,0)<0 AS bad
         FROM accounts`,
      "SELECT CONCAT('hold ',id) AS subject, amount<0 OR captured<0 OR released<0 AS bad FROM holds",
      "SELECT CONCAT('budget of key ',access_key_id) AS subject, used<0 AS bad FROM key_budgets",
      `SELECT CONCAT(kind,' ',id) AS subject,
              CASE WHEN kind IN ('grant','top_up','loss') THEN amount<0
                   WHEN kind='adjustment' THEN 0 ELSE amount>0 END AS bad
         FROM transfers`,
      `SELECT CONCAT('statistics of ',day,', model ',model_id) AS subject,
              LEAST(requests,successes,failures,prompt_tokens,completion_tokens,images,cost)<0 AS bad
         FROM stats`,
    ],
  },
  {
    name: 'every job has the hold and the charge of its status, every order its credit and what was given back',
    checks: [
      // Only a completed job, or one that was cancelled with a part of its answer, is charged.
      `SELECT CONCAT('job ',j.id) AS subject,
              CASE WHEN j.status='COMPLETED' THEN t.id IS NULL OR j.cost IS NULL
                   WHEN j.status<>'CANCELLED' THEN t.id IS NOT NULL ELSE 0 END
                OR t.account_id<>j.account_id OR COALESCE(j.cost,0)<>-COALESCE(t.amount,0)-COALESCE(o.amount,0) AS bad
         FROM jobs j
         LEFT JOIN transfers t ON t.id=j.id AND t.kind='charge'
         LEFT JOIN transfers o ON o.id=j.id AND o.kind='overrun'`,
      // Both are written, and ended, in one transaction.
      `SELECT CONCAT('hold of job ',h.id) AS subject,
              j.id IS NULL OR j.account_id<>h.account_id
                OR (h.state='open' AND j.status IN ('COMPLETED','FAILED','CANCELLED')) AS bad
         FROM holds h LEFT JOIN jobs j ON j.id=h.id WHERE h.owner='job'`,
      // Its hold is given back before a batch is said to have ended.
      `SELECT CONCAT('hold of batch ',h.id) AS subject,
              b.id IS NULL OR b.account_id<>h.account_id
                OR (h.state='open' AND b.status IN ('completed','failed','expired','cancelled')) AS bad
         FROM holds h LEFT JOIN batches b ON b.hold_id=h.id WHERE h.owner='batch'`,
      // The credit of an order is its top-up, and nothing else under its number.
      `SELECT CONCAT('order ',o.order_no) AS subject,
              (o.status='COMPLETED' AND (t.id IS NULL OR t.amount<>o.amount OR t.account_id<>o.account_id))
                OR (o.status<>'COMPLETED' AND o.charged_back<>0)
                OR COALESCE(o.refunded,0)+o.charged_back>o.amount
                OR COALESCE(o.refunded,0)<>COALESCE(f.parts,0)-COALESCE(r.amount,0)
                OR EXISTS (SELECT 1 FROM transfers x
                            WHERE x.id=o.order_no AND x.kind NOT IN ('top_up','refund','chargeback')) AS bad
         FROM orders o
         LEFT JOIN transfers t ON t.id=o.order_no AND t.kind='top_up'
         LEFT JOIN transfers r ON r.id=o.order_no AND r.kind='refund'
         LEFT JOIN (SELECT order_no, SUM(amount) AS parts FROM partial_refunds GROUP BY order_no) f
                ON f.order_no=o.order_no`,
      `SELECT CONCAT('credit ',t.id) AS subject, o.order_no IS NULL OR o.status<>'COMPLETED' AS bad
         FROM transfers t LEFT JOIN orders o ON o.order_no=t.id WHERE t.kind='top_up'`,
      `SELECT CONCAT('refund ',t.id) AS subject,
              o.order_no IS NULL OR o.status<>'COMPLETED' OR o.account_id<>t.account_id AS bad
         FROM transfers t LEFT JOIN partial_refunds f ON f.transfer_id=t.id
         LEFT JOIN orders o ON o.order_no=COALESCE(f.order_no,t.id) WHERE t.kind='refund'`,
      `SELECT CONCAT('partial refund ',f.transfer_id) AS subject,
              t.id IS NULL OR t.amount<>-f.amount OR t.account_id<>f.account_id AS bad
         FROM partial_refunds f LEFT JOIN transfers t ON t.id=f.transfer_id AND t.kind='refund'`,
      // A chargeback has the id of its event and does not name its order, so only sums of an account can be compared.
      `SELECT CONCAT('chargebacks of account ',account_id) AS subject, SUM(amount)<>0 AS bad
         FROM (SELECT account_id, amount FROM transfers WHERE kind='chargeback'
               UNION ALL
               SELECT account_id, charged_back FROM orders WHERE charged_back<>0) x
        GROUP BY account_id`,
    ],
  },
  {
    name: 'cash in + grants + adjustments - refunds = balances + held - debt + charges',
    checks: [
      `SELECT CONCAT('in: cash ',t.cash,', grants ',t.grants,', adjustments ',t.adjustments,', refunds ',-t.refunds,
                     '; out: balances ',a.available,', held ',h.held,', debt ',a.debt,', charges ',-t.charges) AS subject,
              t.cash+t.grants+t.adjustments+t.refunds <> a.available+h.held-a.debt-t.charges AS bad
         FROM (SELECT COALESCE(SUM(CASE WHEN kind IN ('top_up','chargeback') THEN amount END),0) AS cash,
                      COALESCE(SUM(CASE WHEN kind='grant' THEN amount END),0) AS grants,
                      COALESCE(SUM(CASE WHEN kind='adjustment' THEN amount END),0) AS adjustments,
                      COALESCE(SUM(CASE WHEN kind='refund' THEN amount END),0) AS refunds,
                      COALESCE(SUM(CASE WHEN kind IN ('charge','overrun') THEN amount END),0) AS charges
                 FROM transfers) t
         JOIN (SELECT COALESCE(SUM(available),0) AS available, COALESCE(SUM(debt),0) AS debt FROM accounts) a
         JOIN (SELECT COALESCE(SUM(held),0) AS held FROM (${HELD}) x) h`,
    ],
  },
  {
    name: 'statistics and usage log = sums over the ledger',
    checks: [
      `SELECT CONCAT('statistics of ',day,', model ',model_id) AS subject,
              SUM(unclear)<>0 OR SUM(calls)<>0 OR SUM(prompt)<>0 OR SUM(completion)<>0 OR SUM(images)<>0
                OR SUM(cost)<>0 AS bad
         FROM (SELECT day, model_id, SUM(requests-successes-failures) AS unclear, SUM(successes) AS calls,
                      SUM(prompt_tokens) AS prompt, SUM(completion_tokens) AS completion, SUM(images) AS images,
                      SUM(cost) AS cost
                 FROM stats GROUP BY day, model_id
               UNION ALL
               SELECT day, model_id, 0, -SUM(kind='charge'), -SUM(prompt_tokens), -SUM(completion_tokens),
                      -SUM(image_count), SUM(amount)
                 FROM transfers WHERE kind IN ('charge','overrun') GROUP BY day, model_id) x
        GROUP BY day, model_id`,
    ],
  },
];

export const EXAMPLES = 5;

/** How many rows a check looks at, and how many of them break it. */
export function countingSql(check: string): string {
  return `SELECT COUNT(*) AS checked, COALESCE(SUM(bad),0) AS breaches FROM (${check}) c`;
}

/** The first rows that break it. */
export function examplesSql(check: string, limit: number): string {
  return `SELECT subject FROM (${check}) c WHERE bad LIMIT ${limit}`;
}
