/** Idempotency keys: which call answers a keyed request, and its answer. */
import { literals } from '../../../infra/mysql/literal.ts';
import { column, orNull, type ReadRow, rowOf } from '../../../infra/mysql/rows.ts';
import { type LedgerTable, ledgerTable, type RowIn } from '../commit-queue/table.ts';

const table = ledgerTable({
  name: 'idempotency',
  key: ['scope', 'keyHash'],
  fixed: {
    /** `u<user id>` or `k<access key id>`. */
    scope: column.text,
    keyHash: column.bytes,
  },
  changing: {
    /** A keyed hash (HMAC) if bodies hold passwords or provider keys, which could be guessed from a plain hash. */
    bodyHash: column.bytes,
    /** The call that may answer it. */
    requestId: column.text,
    /** Id of what the request does; it stays the same when another process takes the claim over. */
    operationId: column.text,
    slot: column.integer,
    epoch: column.integer,
    answerStatus: orNull(column.integer),
    answer: orNull(column.bytes),
    expiresAtMs: column.ms,
  },
});

/** The current epoch of the claim's writer slot; above `epoch` = the process that claimed has died. */
const writer = rowOf({ writerEpoch: orNull(column.integer) });
/** The scalar subquery reads without a lock, on both servers. */
const WRITER_EPOCH = ',(SELECT w.epoch FROM writers w WHERE w.slot=idempotency.slot) AS writer_epoch';

export type Claim = RowIn<typeof table> & ReadRow<typeof writer>;

export const claims: LedgerTable<Claim> = {
  ...table,
  lock: (ids) => table.lock(ids, WRITER_EPOCH),
  parse: (record) => {
    const [id, stored] = table.parse(record);
    // Empty in claims that are older than the column.
    const operationId = stored.operationId || stored.requestId;
    return [id, { ...stored, ...writer.read(record), operationId }];
  },
};

/** Id of a claim among an operation's reads. */
export const claimKey = table.idOf;

/** DELETE of at most `limit` expired claims. */
export function deleteExpiredClaims(limit: number): string {
  return `DELETE FROM idempotency WHERE expires_at < NOW(3) LIMIT ${literals([limit])}`;
}
