/**
 * The append-only ledger. The primary key (id, kind) is the idempotence: ids are made by the server and are those of
 * the request, job, order or adjustment. Amounts are signed as the account sees them; `loss` is a memo outside balances.
 */
import { column, orNull } from '../../../infra/mysql/rows.ts';
import { type LedgerSink, type LedgerTable, ledgerTable, type RowIn } from '../commit-queue/table.ts';

export const KINDS = ['grant', 'top_up', 'charge', 'overrun', 'refund', 'adjustment', 'chargeback', 'loss'] as const;
export type TransferKind = (typeof KINDS)[number];

const { update: _, ...table } = ledgerTable({
  name: 'transfers',
  key: ['id', 'kind'],
  fixed: {
    id: column.text,
    kind: column.oneOf(KINDS),
    accountId: column.integer,
    amount: column.bigint,
    /** Local day (APP_TIME_ZONE) of its creation, yyyy-MM-dd. */
    day: column.day,
    createdAtMs: column.ms,
    holdId: orNull(column.text),
    accessKeyId: orNull(column.integer),
    modelId: orNull(column.integer),
    /** Whose model it was when it was called. */
    providerId: orNull(column.integer),
    priceId: orNull(column.integer),
    /** The rule of the price by which it was charged; null: without one. */
    priceRule: orNull(column.text),
    promptTokens: column.integer,
    cachedTokens: column.integer,
    completionTokens: column.integer,
    imageCount: column.integer,
    /** Of a text that was spoken. */
    characters: column.integer,
    /** Of speech that was written down. */
    audioSeconds: column.integer,
    estimated: column.flag,
    note: orNull(column.text),
  },
  changing: {},
});
export type Transfer = RowIn<typeof table>;

/** Of a transfer that belongs to no call. */
export const NO_CALL = {
  ...{ holdId: null, accessKeyId: null, modelId: null, providerId: null, priceId: null, priceRule: null },
  ...{ promptTokens: 0, cachedTokens: 0, completionTokens: 0, imageCount: 0, estimated: false },
  ...{ characters: 0, audioSeconds: 0 },
} as const satisfies Partial<Transfer>;

/** Credits and debits that are guarded by their own id. */
export const transfers: LedgerTable<Transfer> = table;

/** Id of a transfer among an operation's reads. */
export const transferKey = table.idOf;

/** Charges are guarded by the state of their hold, so they are written without a read. */
export const charges: LedgerSink<Transfer> = { name: 'transfers', write: table.insert };

/** Memos of what the platform pays. A repeated late capture writes the same memo again, and the first one stays. */
export const losses: LedgerSink<Transfer> = {
  name: 'transfers',
  write: (rows, writer) => `${table.insert(rows, writer)} ON DUPLICATE KEY UPDATE id=id`,
};
