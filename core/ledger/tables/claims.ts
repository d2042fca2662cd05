/** Idempotency keys: which call answers a keyed request, and its answer. */
import { insertRows, literal, literals, utcDateTime } from '../../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../../infra/mysql/rows.ts';
import type { LedgerTable } from '../commit-queue/table.ts';

export interface Claim {
  /** `u<user id>` or `k<access key id>`. */
  readonly scope: string;
  readonly keyHash: Buffer;
  /** A keyed hash (HMAC) if bodies hold passwords or provider keys, which could be guessed from a plain hash. */
  readonly bodyHash: Buffer;
  /** The call that may answer it. */
  readonly requestId: string;
  /** Id of what the request does; it stays the same when another process takes the claim over. */
  readonly operationId: string;
  readonly slot: number;
  readonly epoch: number;
  /** The current epoch of the claim's writer slot; above `epoch` = the process that claimed has died. */
  readonly writerEpoch: number | null;
  readonly answerStatus: number | null;
  readonly answer: Buffer | null;
  readonly expiresAtMs: number;
}

/** Id of a claim among an operation's reads. */
export function claimKey(scope: string, keyHash: Buffer): string {
  return `${scope} ${keyHash.toString('hex')}`;
}

const storedClaim = rowOf({
  scope: column.text,
  keyHash: column.bytes,
  bodyHash: column.bytes,
  requestId: column.text,
  operationId: column.text,
  slot: column.integer,
  epoch: column.integer,
  answerStatus: orNull(column.integer),
  answer: orNull(column.bytes),
  expiresAtMs: column.ms,
});
const claimsWriter = rowOf({ writerEpoch: orNull(column.integer) });

const COLUMN_LIST = storedClaim.names.map((name) => `i.${name}`).join(',');

function insert(rows: readonly Claim[]): string {
  const values = rows.map((row) => [
    row.scope,
    row.keyHash,
    row.bodyHash,
    row.requestId,
    row.operationId,
    row.slot,
    row.epoch,
    row.answerStatus,
    row.answer,
    utcDateTime(row.expiresAtMs),
  ]);
  return insertRows('idempotency', storedClaim.names, values);
}

export const claims: LedgerTable<Claim> = {
  name: 'idempotency',
  lock: (keys) => {
    const pairs = keys.map((key) => {
      const [scope = '', hash = ''] = key.split(' ');
      return `(scope=${literal(scope)} AND key_hash=0x${hash})`;
    });
    // The scalar subquery reads without a lock, on both servers.
    return `SELECT ${COLUMN_LIST},(SELECT w.epoch FROM writers w WHERE w.slot=i.slot) AS writer_epoch FROM idempotency i WHERE ${pairs.join(' OR ')} ORDER BY scope,key_hash FOR UPDATE`;
  },
  parse: (record) => {
    const stored = storedClaim.read(record);
    const claim: Claim = {
      ...stored,
      ...claimsWriter.read(record),
      // Empty in claims that are older than the column.
      operationId: stored.operationId || stored.requestId,
    };
    return [claimKey(claim.scope, claim.keyHash), claim];
  },
  insert,
  update: (rows) => `${insert(rows)} ON DUPLICATE KEY UPDATE ${assignments(storedClaim.names.slice(2))}`,
};

function assignments(columns: readonly string[]): string {
  return columns.map((column) => `${column}=VALUES(${column})`).join(',');
}

/** DELETE of at most `limit` expired claims. */
export function deleteExpiredClaims(limit: number): string {
  return `DELETE FROM idempotency WHERE expires_at < NOW(3) LIMIT ${literals([limit])}`;
}
