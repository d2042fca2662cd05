/** Idempotency keys: who is answering a keyed request, and the answer once there is one. */
import { insertRows, literal, literals, utcDateTime } from '../../../infra/mysql/literal.ts';
import { bytesOf, bytesOrNull, msOf, numberOf, numberOrNull, textOf } from '../lane/record.ts';
import type { LaneTable } from '../lane/table.ts';

export interface Claim {
  /** `u<user id>` or `k<access key id>`. */
  readonly scope: string;
  readonly keyHash: Buffer;
  /** Keyed where bodies hold passwords and keys of providers: a plain hash of one can be guessed at. */
  readonly bodyHash: Buffer;
  /** The call that may answer it. */
  readonly requestId: string;
  /** Id of what the request does; the same for whoever takes the claim over. */
  readonly operationId: string;
  readonly slot: number;
  readonly epoch: number;
  /** The present epoch of the claim's writer slot; past `epoch` = the process that claimed is gone. */
  readonly writerEpoch: number | null;
  readonly answerStatus: number | null;
  readonly answer: Buffer | null;
  readonly expiresAtMs: number;
}

/** Id of a claim among an operation's reads. */
export function claimKey(scope: string, keyHash: Buffer): string {
  return `${scope} ${keyHash.toString('hex')}`;
}

const COLUMNS = [
  'scope',
  'key_hash',
  'body_hash',
  'request_id',
  'operation_id',
  'slot',
  'epoch',
  'answer_status',
  'answer',
  'expires_at',
];

const COLUMN_LIST = COLUMNS.map((column) => `i.${column}`).join(',');

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
  return insertRows('idempotency', COLUMNS, values);
}

export const claims: LaneTable<Claim> = {
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
    const claim: Claim = {
      scope: textOf(record, 'scope'),
      keyHash: bytesOf(record, 'key_hash'),
      bodyHash: bytesOf(record, 'body_hash'),
      requestId: textOf(record, 'request_id'),
      // Empty in claims from before the column.
      operationId: textOf(record, 'operation_id') || textOf(record, 'request_id'),
      slot: numberOf(record, 'slot'),
      epoch: numberOf(record, 'epoch'),
      writerEpoch: numberOrNull(record, 'writer_epoch'),
      answerStatus: numberOrNull(record, 'answer_status'),
      answer: bytesOrNull(record, 'answer'),
      expiresAtMs: msOf(record, 'expires_at'),
    };
    return [claimKey(claim.scope, claim.keyHash), claim];
  },
  insert,
  update: (rows) => `${insert(rows)} ON DUPLICATE KEY UPDATE ${assignments(COLUMNS.slice(2))}`,
};

function assignments(columns: readonly string[]): string {
  return columns.map((column) => `${column}=VALUES(${column})`).join(',');
}

/** DELETE of at most `limit` claims that are past their time. */
export function deleteExpiredClaims(limit: number): string {
  return `DELETE FROM idempotency WHERE expires_at < NOW(3) LIMIT ${literals([limit])}`;
}
