/** What the ledger says that the usage log must have: charges and their usage from the transfers, failures from the statistics. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { combine, type GroupKind, type GroupSum, groupOf, SUMMED, type UsageSums } from '../usage/usage-sums.ts';

type SumRow = { readonly day: string; readonly group_id: string | number | null } & Readonly<
  Record<string, string | number | null>
>;

function sumsOf(kind: GroupKind, rows: readonly SumRow[]): UsageSums {
  // A call that failed before a model was chosen belongs to none, and to no line of the statistics.
  const grouped = rows.filter(({ group_id: id }) => id !== null && id !== 'null');
  return new Map(grouped.map((row) => [groupOf(row.day, kind, row.group_id ?? ''), groupSum(row)]));
}

function groupSum(row: SumRow): GroupSum {
  return Object.fromEntries(SUMMED.map((field) => [field, BigInt(row[field] ?? 0)]));
}

/** Of the days from `firstDay` on. */
export async function ledgerSums(
  sequelize: Sequelize,
  firstDay: string,
  transaction?: Transaction,
): Promise<UsageSums> {
  const rowsOf = (sql: string) =>
    sequelize.query<SumRow>(sql, {
      replacements: [firstDay],
      type: QueryTypes.SELECT,
      ...(transaction && { transaction }),
    });
  const charged = "FROM transfers t WHERE t.kind IN ('charge','overrun') AND t.day>=?";
  const charges = await rowsOf(
    `SELECT t.day, t.model_id AS group_id, SUM(t.kind='charge') AS calls, -SUM(t.amount) AS cost,
            SUM(t.prompt_tokens) AS promptTokens, SUM(t.completion_tokens) AS completionTokens,
            SUM(t.image_count) AS images
       ${charged} GROUP BY t.day, t.model_id`,
  );
  const failures = await rowsOf(
    'SELECT day, model_id AS group_id, SUM(failures) AS failures FROM stats WHERE day>=? GROUP BY day, model_id',
  );
  const users = await rowsOf(
    `SELECT c.day, a.owner_id AS group_id, c.calls, c.cost
       FROM (SELECT t.day, t.account_id, SUM(t.kind='charge') AS calls, -SUM(t.amount) AS cost
               ${charged} GROUP BY t.day, t.account_id) c
       JOIN accounts a ON a.id=c.account_id AND a.owner_kind='user'`,
  );
  return combine(combine(sumsOf('model', charges), sumsOf('model', failures), 1n), sumsOf('user', users), 1n);
}

const text = (field: string) => `JSON_UNQUOTE(JSON_EXTRACT(doc,'$.${field}'))`;
const SUCCEEDED = `${text('isSuccess')}='true'`;
const sum = (field: string) => `SUM(IF(${SUCCEEDED},CAST(${text(field)} AS SIGNED),0))`;
const UNCARRIED: Readonly<Record<GroupKind, string>> = {
  model: `${text('modelId')} AS group_id, SUM(${SUCCEEDED}) AS calls, SUM(NOT ${SUCCEEDED}) AS failures,
    ${sum('cost')} AS cost, ${sum('promptTokens')} AS promptTokens, ${sum('completionTokens')} AS completionTokens,
    ${sum('imageCount')} AS images`,
  user: `${text('userId')} AS group_id, SUM(${SUCCEEDED}) AS calls, ${sum('cost')} AS cost`,
};

/** The same of documents that are still on their way to the log, of all days. */
export async function uncarriedSums(sequelize: Sequelize, transaction: Transaction): Promise<UsageSums> {
  const slots = await sequelize.query<{ slot: number; seq: string }>(
    'SELECT w.slot, COALESCE(m.seq,0) AS seq FROM writers w LEFT JOIN usage_watermarks m ON m.slot=w.slot',
    { type: QueryTypes.SELECT, transaction },
  );
  let sums: UsageSums = new Map();
  for (const { slot, seq } of slots) {
    for (const kind of ['model', 'user'] as const) {
      const rows = await sequelize.query<SumRow>(
        `SELECT day, ${UNCARRIED[kind]} FROM usage_outbox WHERE slot=? AND seq>? GROUP BY day, group_id`,
        { replacements: [slot, seq], type: QueryTypes.SELECT, transaction },
      );
      sums = combine(sums, sumsOf(kind, rows), 1n);
    }
  }
  return sums;
}
