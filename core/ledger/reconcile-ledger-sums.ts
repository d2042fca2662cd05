/** What the ledger says that the usage log must have: charges and their usage from the transfers, failures from the statistics. */
import type { Sequelize, Transaction } from 'sequelize';
import { column, orNull, rowOf, type SqlRecord } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import { combine, type GroupKind, type GroupSum, groupOf, SUMMED, type UsageSums } from '../usage/usage-sums.ts';

const sumGroup = rowOf({ day: column.day, groupId: orNull(column.text) });
const slotMark = rowOf({ slot: column.integer, seq: column.bigint });

function groupAndSum(record: SqlRecord) {
  const fields = SUMMED.filter((field) => field in record);
  // A sum of no rows is NULL.
  const sum: GroupSum = Object.fromEntries(
    fields.map((field) => [field, orNull(column.bigint)(record[field], field) ?? 0n]),
  );
  return { ...sumGroup.read(record), sum };
}

function sumsOf(kind: GroupKind, rows: readonly ReturnType<typeof groupAndSum>[]): UsageSums {
  // A call that failed before a model was chosen belongs to none, and to no line of the statistics.
  const grouped = rows.filter(({ groupId }) => groupId !== null && groupId !== 'null');
  return new Map(grouped.map(({ day, groupId, sum }) => [groupOf(day, kind, groupId ?? ''), sum]));
}

/** Of the days from `firstDay` on. */
export async function ledgerSums(
  sequelize: Sequelize,
  firstDay: string,
  transaction?: Transaction,
): Promise<UsageSums> {
  const rowsOf = (sql: string) => select(sequelize, groupAndSum, sql, [firstDay], transaction);
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
  const slots = await select(
    sequelize,
    slotMark.read,
    'SELECT w.slot, COALESCE(m.seq,0) AS seq FROM writers w LEFT JOIN usage_watermarks m ON m.slot=w.slot',
    undefined,
    transaction,
  );
  let sums: UsageSums = new Map();
  for (const { slot, seq } of slots) {
    for (const kind of ['model', 'user'] as const) {
      const rows = await select(
        sequelize,
        groupAndSum,
        `SELECT day, ${UNCARRIED[kind]} FROM usage_outbox WHERE slot=? AND seq>? GROUP BY day, group_id`,
        [slot, seq],
        transaction,
      );
      sums = combine(sums, sumsOf(kind, rows), 1n);
    }
  }
  return sums;
}
