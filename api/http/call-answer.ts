/** The answer of an inference call: its headers, and how both are kept for a repeated keyed request. */
import { z } from 'zod';
import type { CallOutcome } from '../../activities/inference/charge.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { ApiContext } from './route-input.ts';

/** Before the headers of a kept answer, which end with a line break; neither JSON nor zstd begins like this. */
const MARK = Buffer.from('call:');
const LINE_BREAK = 0x0a;

const headersSchema = z.record(z.string(), z.string());

/** What every inference answer tells in its headers. */
export function callHeaders(outcome: CallOutcome): Record<string, string> {
  return { ...servedHeaders(outcome), 'x-cost': formatMoney(outcome.cost) };
}

/** As much of it as is known when a stream begins. */
export function servedHeaders(served: Omit<CallOutcome, 'cost'>): Record<string, string> {
  return {
    'x-request-id': served.requestId,
    'x-model': encodeURIComponent(served.modelIdentifier),
    'x-provider': encodeURIComponent(served.providerName),
    'x-attempts': String(served.attempts),
    ...(served.clampedTo === undefined ? {} : { 'x-max-tokens': String(served.clampedTo) }),
  };
}

/** An answer as it is kept together with its headers. */
export function keptCall(outcome: CallOutcome, body: string | Uint8Array): StoredAnswer {
  const headers = JSON.stringify(callHeaders(outcome));
  return { status: 200, body: Buffer.concat([MARK, Buffer.from(`${headers}\n`), Buffer.from(body)]) };
}

/** Sets the headers of a kept answer again. @returns its body; an answer that was kept without headers is all body. */
export function replayCall(ctx: Pick<ApiContext, 'set'>, { body }: StoredAnswer): Buffer {
  if (!body.subarray(0, MARK.length).equals(MARK)) return body;
  const end = body.indexOf(LINE_BREAK);
  ctx.set(headersSchema.parse(JSON.parse(body.toString('utf8', MARK.length, end))));
  return body.subarray(end + 1);
}
