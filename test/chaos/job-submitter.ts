/** A client that submits jobs through everything: each under a key of its own, repeated until it is accepted. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Customer, call, type Product } from '../e2e/product.ts';

const accepted = z.object({ jobId: z.string() });
const RETRY_MS = 250;
const ACCEPTED_WITHIN_MS = 120_000;
const CALL_TIMEOUT_MS = 15_000;

export interface Submitted {
  readonly jobId: string;
  /** How often it was asked for. */
  readonly tries: number;
}

/** @throws when it is not accepted in time, or refused for a reason that repeating does not change. */
export async function submitOnce(product: Product, customer: Customer, idempotencyKey: string): Promise<Submitted> {
  const until = Date.now() + ACCEPTED_WITHIN_MS;
  for (let tries = 1; ; tries += 1) {
    const answer = await Promise.race([
      call(product.apis[0], 'POST', '/v1/async/chat', {
        key: customer.key,
        body: { userMessage: `job ${idempotencyKey}`, modelIdentifier: 'sim-chat' },
        headers: { 'idempotency-key': idempotencyKey },
      }).catch(() => undefined),
      delay(CALL_TIMEOUT_MS, undefined, { ref: false }),
    ]);
    if (answer?.status === 202) return { jobId: accepted.parse(answer.data).jobId, tries };
    // 409: the first try is still being decided.
    const passing = answer === undefined || answer.status >= 500 || answer.status === 409;
    if (!passing || Date.now() > until) throw new Error(`${idempotencyKey} was not accepted: ${answer?.message}`);
    await delay(RETRY_MS);
  }
}
