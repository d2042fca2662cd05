/** The ledger's rows as a test compares them with the answers. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';

const money = z.coerce.bigint();

const holdRow = z.object({
  id: z.string(),
  owner: z.enum(['call', 'job', 'lease']),
  account_id: z.number(),
  access_key_id: z.number().nullable(),
  amount: money,
  captured: money,
  released: money,
  state: z.enum(['open', 'captured', 'released']),
});
const transferRow = z.object({
  id: z.string(),
  kind: z.string(),
  account_id: z.number(),
  amount: money,
  hold_id: z.string().nullable(),
});
const claimRow = z.object({
  key: z.string(),
  request_id: z.string(),
  answer_status: z.number().nullable(),
  answer: z.string().nullable(),
});

export type HoldRow = z.infer<typeof holdRow>;
export type TransferRow = z.infer<typeof transferRow>;

export interface LedgerRows {
  readonly holds: ReadonlyMap<string, HoldRow>;
  readonly transfers: readonly TransferRow[];
  transfer(kind: string, id: string): TransferRow | undefined;
  /** Idempotency rows by the hash of their key, in lower-case hexadecimal. */
  readonly claims: ReadonlyMap<string, z.infer<typeof claimRow>>;
  /** What a call was charged: charge and overrun. */
  charged(id: string): bigint;
}

export async function readLedgerRows(sequelize: Sequelize): Promise<LedgerRows> {
  const read = async <Row>(schema: z.ZodType<Row>, sql: string) =>
    z.array(schema).parse(await sequelize.query(sql, { type: QueryTypes.SELECT }));
  const holds = await read(
    holdRow,
    'SELECT id,owner,account_id,access_key_id,amount,captured,released,state FROM holds',
  );
  const transfers = await read(transferRow, 'SELECT id,kind,account_id,amount,hold_id FROM transfers');
  const claims = await read(
    claimRow,
    'SELECT LOWER(HEX(key_hash)) AS `key`,request_id,answer_status,CAST(answer AS CHAR) AS answer FROM idempotency',
  );
  const byKindAndId = new Map(transfers.map((row) => [`${row.kind} ${row.id}`, row]));
  const transfer = (kind: string, id: string) => byKindAndId.get(`${kind} ${id}`);
  return {
    holds: new Map(holds.map((row) => [row.id, row])),
    transfers,
    transfer,
    claims: new Map(claims.map((row) => [row.key, row])),
    charged: (id) => -((transfer('charge', id)?.amount ?? 0n) + (transfer('overrun', id)?.amount ?? 0n)),
  };
}
