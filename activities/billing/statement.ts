/** An account's statement for a span of time, from its transfers alone: what stood, what came and went, what stands. */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { TransferKind } from './tables/transfers.ts';

export interface Period {
  /** First instant of it. */
  readonly from: Date;
  /** First instant after it. */
  readonly until: Date;
}

/** A transfer that is no charge; `amount` in nano-units, signed as the account sees it. */
export interface StatementEntry {
  readonly id: string;
  readonly kind: Exclude<TransferKind, 'charge' | 'overrun' | 'loss'>;
  readonly amount: bigint;
  readonly note: string | null;
  readonly createdAt: Date;
}

/** All charges of one model by one access key; `amount` is negative. */
export interface StatementCharges {
  readonly modelId: number | null;
  readonly modelIdentifier: string;
  readonly accessKeyId: number | null;
  readonly accessKeyName: string;
  readonly calls: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly images: number;
  readonly amount: bigint;
}

/** `opening` + entries + charges = `closing`: what is available, plus held, less debt, at each end. */
export interface Statement {
  readonly opening: bigint;
  readonly entries: readonly StatementEntry[];
  readonly charges: readonly StatementCharges[];
  readonly closing: bigint;
}

interface EntryRow {
  readonly id: string;
  readonly kind: StatementEntry['kind'];
  readonly amount: string;
  readonly note: string | null;
  readonly created_at: Date;
}

interface ChargesRow {
  readonly model_id: number | null;
  readonly model_identifier: string;
  readonly access_key_id: number | null;
  readonly access_key_name: string;
  readonly calls: string;
  readonly prompt_tokens: string;
  readonly cached_tokens: string;
  readonly completion_tokens: string;
  readonly images: string;
  readonly amount: string;
}

const OF_THE_PERIOD = 't.account_id=:accountId AND t.created_at>= :from AND t.created_at< :until';

/** Statements of users: by the user's id; undefined when it has no account. */
export function createStatement(sequelize: Sequelize) {
  return async (userId: number, period: Period): Promise<Statement | undefined> => {
    const [account] = await sequelize.query<{ id: number }>(
      "SELECT id FROM accounts WHERE owner_kind='user' AND owner_id=?",
      { replacements: [userId], type: QueryTypes.SELECT },
    );
    return account && readStatement(sequelize, account.id, period);
  };
}

/** By the time of their commit, so that the statement of a month that is over never changes. */
async function readStatement(sequelize: Sequelize, accountId: number, period: Period): Promise<Statement> {
  const options = { replacements: { accountId, ...period }, type: QueryTypes.SELECT as const };
  const [before] = await sequelize.query<{ amount: string }>(
    `SELECT COALESCE(SUM(amount),0) AS amount FROM transfers
      WHERE account_id=:accountId AND created_at< :from AND kind<>'loss'`,
    options,
  );
  const entryRows = await sequelize.query<EntryRow>(
    `SELECT t.id, t.kind, t.amount, t.note, t.created_at FROM transfers t
      WHERE ${OF_THE_PERIOD} AND t.kind NOT IN ('charge','overrun','loss') ORDER BY t.created_at, t.id`,
    options,
  );
  const chargeRows = await sequelize.query<ChargesRow>(
    `SELECT t.model_id, COALESCE(m.model_identifier,'') AS model_identifier, t.access_key_id,
            COALESCE(k.name,'') AS access_key_name, SUM(t.kind='charge') AS calls,
            SUM(t.prompt_tokens) AS prompt_tokens, SUM(t.cached_tokens) AS cached_tokens,
            SUM(t.completion_tokens) AS completion_tokens, SUM(t.image_count) AS images, SUM(t.amount) AS amount
       FROM transfers t LEFT JOIN models m ON m.id=t.model_id LEFT JOIN access_keys k ON k.id=t.access_key_id
      WHERE ${OF_THE_PERIOD} AND t.kind IN ('charge','overrun')
      GROUP BY t.model_id, m.model_identifier, t.access_key_id, k.name ORDER BY t.model_id, t.access_key_id`,
    options,
  );
  const opening = BigInt(before?.amount ?? 0);
  const entries = entryRows.map(entryOf);
  const charges = chargeRows.map(chargesOf);
  const closing = [...entries, ...charges].reduce((sum, { amount }) => sum + amount, opening);
  return { opening, entries, charges, closing };
}

function entryOf(row: EntryRow): StatementEntry {
  return { id: row.id, kind: row.kind, amount: BigInt(row.amount), note: row.note, createdAt: row.created_at };
}

function chargesOf(row: ChargesRow): StatementCharges {
  return {
    modelId: row.model_id,
    modelIdentifier: row.model_identifier,
    accessKeyId: row.access_key_id,
    accessKeyName: row.access_key_name,
    calls: Number(row.calls),
    promptTokens: Number(row.prompt_tokens),
    cachedTokens: Number(row.cached_tokens),
    completionTokens: Number(row.completion_tokens),
    images: Number(row.images),
    amount: BigInt(row.amount),
  };
}
