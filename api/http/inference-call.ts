/**
 * An inference call as its route sees it: what it is run with, what its answer says in its headers, and how the answer is
 * kept with them for a repeated keyed request.
 */
import { z } from 'zod';
import { sessionOf } from '../../activities/inference/affinity.ts';
import type { CallBegin, CallOutcome, ChargeRequest, RequestContext } from '../../activities/inference/charge.ts';
import type { CostShown } from '../../activities/inference/openai-words.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { LimitState, RateState } from '../../core/accounts/key-limit-rule.ts';
import type { OpenTurn } from '../../core/conversations/turns.ts';
import { claimRequest, type IdempotentRequests } from '../../core/ledger/idempotency.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import { newId } from '../../infra/ids.ts';
import { tagsOf } from './attribution.ts';
import { keyedRequest } from './idempotency.ts';
import type { ApiContext, LoggedCall, RouteInput } from './route-input.ts';

export type InferenceInput<Body> = RouteInput<undefined, undefined, Body, AccessKeyCaller>;

export interface InferenceServices {
  readonly idempotency: Pick<IdempotentRequests, 'answeredBefore'>;
  readonly costShown: CostShown | undefined;
}

/** What one call is run with. */
export interface InferenceCall {
  /** `session`: the conversation that the client names in its headers. */
  readonly request: ChargeRequest & { readonly session?: string | undefined };
  readonly context: RequestContext;
}

/** The same, once the turn of its kept conversation is open. */
export interface RunningCall<Keep> extends InferenceCall {
  /** `keep` makes what is kept of the answer of a keyed request. */
  readonly request: InferenceCall['request'] & { readonly keep?: Keep };
  readonly turn: OpenTurn | undefined;
}

/** A call whose answer comes in one piece. */
export type WholeCall<Outcome> = RunningCall<(outcome: Outcome) => StoredAnswer>;

/** The parts of a call that are the same on every route. @param requestId of the body. @throws {AppError} for a malformed idempotency key. */
export function inferenceCall(input: InferenceInput<unknown>, requestId: string | undefined): InferenceCall {
  const { ctx, caller, rawBody, traceId } = input;
  const callId = newId();
  // A refusal has it, too.
  ctx.set('x-request-id', callId);
  const keyed = keyedRequest(ctx, caller, rawBody, requestId);
  const claim = keyed && claimRequest(keyed.scope, keyed.key, keyed.fingerprint, callId);
  return {
    request: {
      ...{ caller, traceId, ...watched(ctx), session: sessionOf(ctx.req.headers) },
      tags: tagsOf(ctx.req.headers),
      ...(claim ? { claim } : {}),
    },
    context: { heartbeat: () => undefined, log: () => input.log, requestId: callId },
  };
}

/** Before the headers of a kept answer, which end with a line break; neither JSON nor zstd begins like this. */
const MARK = Buffer.from('call:');
const LINE_BREAK = 0x0a;

const headersSchema = z.record(z.string(), z.string());

/** The headers of every inference answer. */
export function callHeaders(outcome: CallOutcome): Record<string, string> {
  return {
    ...servedHeaders(outcome),
    'x-cost': formatMoney(outcome.cost),
    ...(outcome.priceRule === null ? {} : { 'x-price-rule': outcome.priceRule }),
  };
}

/** As much of it as is known when a stream begins. */
export function servedHeaders(served: CallBegin): Record<string, string> {
  return {
    'x-request-id': served.requestId,
    'x-model': encodeURIComponent(served.modelIdentifier),
    'x-provider': encodeURIComponent(served.providerName),
    'x-attempts': String(served.attempts),
    ...(served.clampedTo === undefined ? {} : { 'x-max-tokens': String(served.clampedTo) }),
    ...(served.fits.length === 0 ? {} : { 'x-request-fits': served.fits.join(', ') }),
  };
}

/** What the log says of a call. */
export function loggedCall({ requestId, modelIdentifier: model }: CallBegin, cost?: bigint): LoggedCall {
  return { requestId, model, ...(cost === undefined ? {} : { cost: formatMoney(cost) }) };
}

/** An answer as it is kept together with its headers. */
export function keptCall(
  outcome: CallOutcome,
  body: string | Uint8Array,
  more: Readonly<Record<string, string>> = {},
): StoredAnswer {
  const headers = JSON.stringify({ ...callHeaders(outcome), ...more });
  return { status: 200, body: Buffer.concat([MARK, Buffer.from(`${headers}\n`), Buffer.from(body)]) };
}

/** Sets the headers of a kept answer again. @returns its body; an answer that was kept without headers is all body. */
export function replayCall(ctx: Pick<ApiContext, 'set'>, { body }: StoredAnswer): Buffer {
  if (!body.subarray(0, MARK.length).equals(MARK)) return body;
  const end = body.indexOf(LINE_BREAK);
  ctx.set(headersSchema.parse(JSON.parse(body.toString('utf8', MARK.length, end))));
  return body.subarray(end + 1);
}

/** What a request learns of its call before it is made: see `limitHeaders` and `noteRefusal`. */
export function watched(ctx: ApiContext): Required<Pick<ChargeRequest, 'onLimits' | 'onHeld'>> {
  return {
    onLimits: limitHeaders(ctx),
    onHeld: () => {
      ctx.state.isHeld = true;
    },
  };
}

/** How the limits of its access key stand, as OpenAI's clients read it. A refusal says it, too. */
function limitHeaders(ctx: ApiContext): (state: LimitState) => void {
  return ({ requests, tokens }) => {
    if (requests) setRate(ctx, 'requests', requests);
    if (tokens) setRate(ctx, 'tokens', tokens);
  };
}

function setRate(ctx: ApiContext, what: 'requests' | 'tokens', { limit, remaining, resetMs }: RateState): void {
  ctx.set({
    [`x-ratelimit-limit-${what}`]: String(limit),
    [`x-ratelimit-remaining-${what}`]: String(remaining),
    [`x-ratelimit-reset-${what}`]: durationText(resetMs),
  });
}

/** `0s`, `120ms`, `8.64s`, `6m0s`. */
export function durationText(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1_000;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
