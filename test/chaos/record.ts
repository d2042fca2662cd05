/**
 * The written record of one process on the ledger: each line says what it asks or what it was answered, and is in the
 * file before the process goes on, so that it outlives a kill -9.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';

const amount = z.coerce.bigint();

const ask = z.object({
  at: z.literal('ask'),
  /** Number of the operation within its process. */
  op: z.number(),
  kind: z.enum([
    ...(['hold', 'capture', 'release', 'top_up', 'refund', 'chargeback', 'adjustment'] as const),
    ...(['claim', 'answer', 'abandon', 'recall'] as const),
  ]),
  /** The call's, order's or change's id. */
  id: z.string(),
  accountId: z.number(),
  amount,
  /** The access key whose budget is used. */
  budgetKeyId: z.number().nullable(),
  /** Idempotency key and body. */
  claim: z.object({ key: z.string(), body: z.string() }).nullable(),
  lifeMs: z.number(),
  /** True when the id is shared or asked twice on purpose: then "done before" is an expected answer. */
  shared: z.boolean(),
  /** Slot and epoch that the commit queue wrote under. */
  writer: z.string(),
});

const answer = z.object({
  at: z.literal('answer'),
  op: z.number(),
  /** The kind of outcome; `unavailable` = the commit queue gave up; `error` = a bug. */
  outcome: z.string(),
  /** What was charged, taken or refunded. */
  amount: amount.optional(),
  loss: amount.optional(),
  /** Whose answer a keyed request was given. */
  requestId: z.string().optional(),
  text: z.string().optional(),
  writer: z.string(),
});

export type Ask = z.infer<typeof ask>;
export type Answer = z.infer<typeof answer>;

/** An operation as the record has it; `answer` is missing when the process was killed before it heard. */
export interface Operation {
  readonly process: string;
  readonly ask: Ask;
  readonly answer?: Answer;
}

export class OperationRecord {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  /** In the file when it returns (the system keeps it when the process dies). */
  write(line: Ask | Answer): void {
    const text = JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? value.toString() : value));
    writeSync(this.#file, `${text}\n`);
  }
}

const line = z.discriminatedUnion('at', [ask, answer]);

/** Reads one process's record; a last line that was cut off by its death counts as not written. */
export function readRecord(process: string, path: string): Operation[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const operations = new Map<number, Operation>();
  for (const text of lines) {
    const entry = line.parse(JSON.parse(text));
    if (entry.at === 'ask') operations.set(entry.op, { process, ask: entry });
    else {
      const asked = operations.get(entry.op);
      if (!asked || asked.answer) throw new Error(`${process}: operation ${entry.op} was answered without being asked`);
      operations.set(entry.op, { ...asked, answer: entry });
    }
  }
  return [...operations.values()];
}
