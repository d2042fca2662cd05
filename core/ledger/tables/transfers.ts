/**
 * The append-only ledger. The primary key (id, kind) is the idempotence: ids are made by the server and are those of
 * the request, job, order or adjustment. Amounts are signed as the account sees them; `loss` is a memo outside balances.
 */
import { insertRows, literal, utcDateTime } from '../../../infra/mysql/literal.ts';
import { column, rowOf } from '../../../infra/mysql/rows.ts';
import type { LedgerSink, LedgerTable } from '../commit-queue/table.ts';
import { NO_USAGE, type Usage } from '../money.ts';

const KINDS = ['grant', 'top_up', 'charge', 'overrun', 'refund', 'adjustment', 'chargeback', 'loss'] as const;
export type TransferKind = (typeof KINDS)[number];

export interface Transfer {
  readonly id: string;
  readonly kind: TransferKind;
  readonly accountId: number;
  readonly amount: bigint;
  /** Local day (APP_TIME_ZONE) of `atMs`, yyyy-MM-dd. */
  readonly day: string;
  readonly atMs: number;
  readonly holdId?: string;
  readonly accessKeyId?: number | null;
  readonly modelId?: number | null;
  readonly priceId?: number;
  readonly usage?: Pick<Usage, 'promptTokens' | 'cachedTokens' | 'completionTokens' | 'imageCount' | 'estimated'>;
  readonly note?: string;
}

const COLUMNS = [
  'id',
  'kind',
  'account_id',
  'amount',
  'day',
  'created_at',
  'hold_id',
  'access_key_id',
  'model_id',
  'price_id',
  'prompt_tokens',
  'cached_tokens',
  'completion_tokens',
  'image_count',
  'estimated',
  'note',
];

function insert(rows: readonly Transfer[]): string {
  return insertRows(
    'transfers',
    COLUMNS,
    rows.map((row) => {
      const usage = row.usage ?? NO_USAGE;
      return [
        row.id,
        row.kind,
        row.accountId,
        row.amount,
        row.day,
        utcDateTime(row.atMs),
        row.holdId ?? null,
        row.accessKeyId ?? null,
        row.modelId ?? null,
        row.priceId ?? null,
        usage.promptTokens,
        usage.cachedTokens,
        usage.completionTokens,
        usage.imageCount,
        usage.estimated,
        row.note ?? null,
      ];
    }),
  );
}

/** Charges are guarded by the state of their hold, so they are written without a read. */
export const charges: LedgerSink<Transfer> = { name: 'transfers', write: insert };

/** Memos of what the platform pays. A repeated late capture writes the same memo again, and the first one stays. */
export const losses: LedgerSink<Transfer> = {
  name: 'transfers',
  write: (rows) => `${insert(rows)} ON DUPLICATE KEY UPDATE id=id`,
};

/** Id of a transfer among an operation's reads. */
export function transferKey(id: string, kind: TransferKind): string {
  return `${kind} ${id}`;
}

const guard = rowOf({
  id: column.text,
  kind: column.oneOf(KINDS),
  accountId: column.integer,
  amount: column.bigint,
  day: column.day,
  createdAtMs: column.ms,
});

/** Credits and debits that are guarded by their own id. */
export const transfers: LedgerTable<Transfer> = {
  name: 'transfers',
  lock: (keys) => {
    const pairs = keys.map((key) => {
      const at = key.indexOf(' ');
      return `(id=${literal(key.slice(at + 1))} AND kind=${literal(key.slice(0, at))})`;
    });
    return `SELECT ${guard.columns} FROM transfers WHERE ${pairs.join(' OR ')} ORDER BY id,kind FOR UPDATE`;
  },
  parse: (record) => {
    const { createdAtMs: atMs, ...stored } = guard.read(record);
    const transfer = { ...stored, atMs };
    return [transferKey(transfer.id, transfer.kind), transfer];
  },
  insert,
};
