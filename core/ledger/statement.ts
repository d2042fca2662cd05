/** An account's statement for a period, from its transfers alone: opening balance, movements, closing balance. */
import type { Sequelize } from 'sequelize';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import { MODEL_NAME } from '../usage/statistics.ts';

export interface Period {
  /** First instant of the period. */
  readonly from: Date;
  /** First instant after the period. */
  readonly until: Date;
}

const ENTRY_KINDS = ['grant', 'top_up', 'refund', 'adjustment', 'chargeback'] as const;

/** A transfer that is no charge; `amount` in nano-units, signed as the account sees it. */
export interface StatementEntry {
  readonly id: string;
  readonly kind: (typeof ENTRY_KINDS)[number];
  readonly amount: bigint;
  readonly note: string | null;
  readonly createdAt: Date;
}

/** All charges of one model by one access key and one rule of its price; `amount` is negative. */
export interface StatementCharges {
  readonly modelId: number | null;
  readonly modelIdentifier: string;
  /** The rule of the model's price that was applied; null: none. */
  readonly priceRule: string | null;
  readonly accessKeyId: number | null;
  readonly accessKeyName: string;
  readonly calls: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly images: number;
  /** That were spoken, and seconds of what was written down. */
  readonly characters: number;
  readonly audioSeconds: number;
  readonly amount: bigint;
}

/** `opening` + entries + charges = `closing`: what is available, plus held, less debt, at each end. */
export interface Statement {
  readonly opening: bigint;
  readonly entries: readonly StatementEntry[];
  readonly charges: readonly StatementCharges[];
  readonly closing: bigint;
}

const userAccount = rowOf({ id: column.integer });
const sum = rowOf({ amount: column.bigint });
const entry = rowOf({
  id: column.text,
  kind: column.oneOf(ENTRY_KINDS),
  amount: column.bigint,
  note: orNull(column.text),
  createdAt: column.time,
});
const modelCharges = rowOf({
  modelId: orNull(column.integer),
  modelIdentifier: column.text,
  priceRule: orNull(column.text),
  accessKeyId: orNull(column.integer),
  accessKeyName: column.text,
  calls: column.integer,
  promptTokens: column.integer,
  cachedTokens: column.integer,
  completionTokens: column.integer,
  images: column.integer,
  characters: column.integer,
  audioSeconds: column.integer,
  amount: column.bigint,
});

const OF_THE_PERIOD = 't.account_id=:accountId AND t.created_at>= :from AND t.created_at< :until';

/** Statements of users: by the user's id; undefined when it has no account. */
export function createStatement(sequelize: Sequelize) {
  return async (userId: number, period: Period): Promise<Statement | undefined> => {
    const sql = "SELECT id FROM accounts WHERE owner_kind='user' AND owner_id=?";
    const [account] = await select(sequelize, userAccount.read, sql, [userId]);
    return account && readStatement(sequelize, account.id, period);
  };
}

/** By the time of the commit, so that the statement of a past month never changes. */
async function readStatement(sequelize: Sequelize, accountId: number, period: Period): Promise<Statement> {
  const replacements = { accountId, ...period };
  const [before] = await select(
    sequelize,
    sum.read,
    `SELECT COALESCE(SUM(amount),0) AS amount FROM transfers
      WHERE account_id=:accountId AND created_at< :from AND kind<>'loss'`,
    replacements,
  );
  const entries = await select(
    sequelize,
    entry.read,
    `SELECT t.id, t.kind, t.amount, t.note, t.created_at FROM transfers t
      WHERE ${OF_THE_PERIOD} AND t.kind NOT IN ('charge','overrun','loss') ORDER BY t.created_at, t.id`,
    replacements,
  );
  const charges = await select(
    sequelize,
    modelCharges.read,
    `SELECT t.model_id, ${MODEL_NAME.column}, t.price_rule, t.access_key_id,
            COALESCE(k.name,'') AS access_key_name, SUM(t.kind='charge') AS calls,
            SUM(t.prompt_tokens) AS prompt_tokens, SUM(t.cached_tokens) AS cached_tokens,
            SUM(t.completion_tokens) AS completion_tokens, SUM(t.image_count) AS images, SUM(t.characters) AS characters,
            SUM(t.audio_seconds) AS audio_seconds, SUM(t.amount) AS amount
       FROM transfers t ${MODEL_NAME.joinTo('t')} LEFT JOIN access_keys k ON k.id=t.access_key_id
      WHERE ${OF_THE_PERIOD} AND t.kind IN ('charge','overrun')
      GROUP BY t.model_id, ${MODEL_NAME.by}, t.price_rule, t.access_key_id, k.name
      ORDER BY t.model_id, t.access_key_id, t.price_rule`,
    replacements,
  );
  const opening = before?.amount ?? 0n;
  const closing = [...entries, ...charges].reduce((sum, { amount }) => sum + amount, opening);
  return { opening, entries, charges, closing };
}
