/** A call of a model that is refused before money is held for it: what the log of calls learns of it. */
import { failureOf } from '../../activities/inference/settlement.ts';
import type { Caller } from '../../core/accounts/caller.ts';
import type { RefusedCall, RefusedCalls } from '../../core/usage/refused-calls.ts';
import { newId } from '../../infra/ids.ts';
import { isJsonObject } from '../../infra/json-object.ts';
import { tagsOf } from './attribution.ts';
import { toAppError } from './errors.ts';
import type { Route } from './route.ts';
import type { ApiContext } from './route-input.ts';

interface Refused {
  readonly caller: Caller | undefined;
  /** The body, as far as it could be read. */
  readonly json: unknown;
  readonly startedAtMs: number;
}

/** Nothing for other routes, for an access key that is not known, and for a call that money was held for. */
export function noteRefusal(
  refusedCalls: Pick<RefusedCalls, 'note'>,
  route: Pick<Route, 'claimsKey' | 'status'>,
  ctx: ApiContext,
  { caller, json, startedAtMs }: Refused,
  thrown: unknown,
): void {
  if (!route.claimsKey || caller?.kind !== 'access-key' || ctx.state.isHeld) return;
  const { userId, accessKeyId } = caller;
  refusedCalls.note({
    // Of a call that was refused before it had an id, this is the first.
    requestId: ctx.response.get('x-request-id') || newId(),
    ...{ userId, accessKeyId, traceId: ctx.state.traceId, tags: tagsOf(ctx.req.headers) },
    ...failureOf(toAppError(thrown)),
    isAsync: route.status === ACCEPTED,
    model: modelIn(json),
    startedAtMs,
  });
}

const ACCEPTED = 202;
const LONGEST_NAME = 150;

/** In the words of OpenAI's clients or in our own; a form's is not looked for. */
function modelIn(json: unknown): RefusedCall['model'] {
  if (!isJsonObject(json)) return {};
  const { model, modelIdentifier = model, modelInternalId } = json;
  const id = Number(modelInternalId);
  return {
    ...(Number.isSafeInteger(id) && id > 0 ? { id } : {}),
    ...(typeof modelIdentifier === 'string' ? { identifier: modelIdentifier.slice(0, LONGEST_NAME) } : {}),
  };
}
