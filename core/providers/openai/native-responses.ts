/** Responses for clients that ask for them: requests and answers pass as they are, and are read along. */

import { invalid } from '../../../infra/errors.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { UpstreamFailure } from '../failure.ts';
import { type Fit, takenEffort, unmetIn } from '../fit.ts';
import { listIn } from '../message.ts';
import type { FittedTo, NativeAdapter, NativeRequest } from '../native.ts';
import { EFFORTS, mayThink, withoutWordsOfChats } from '../needs.ts';
import type { CallContext, UpstreamTarget, VendorClients } from '../provider.ts';
import { usageOfAnswer } from '../usage.ts';
import type { Call } from './client.ts';
import { classifyOpenAi } from './errors.ts';
import { PATH } from './responses.ts';
import { completionOf, headOf, ResponseReading, readResponse } from './responses-reading.ts';
import { readStream } from './stream.ts';

/** Thoughts as a text that only their provider can read, to be given back with the next request. */
const SEALED_THOUGHTS = 'reasoning.encrypted_content';

export function createNativeResponses(clientFor: VendorClients['chat']): NativeAdapter {
  const ask = async (target: UpstreamTarget, { body }: NativeRequest, { signal }: CallContext, more: Json) => {
    const { urlBase, apiKey, model } = target;
    const call: Call = { urlBase, apiKey, signal, classify: classifyOpenAi };
    const post = (asked: Json) => clientFor(target).post(call, PATH, { ...asked, model, store: false, ...more });
    const answer = await post(body).catch((error: unknown) => {
      const rest = isUnreadable(error) ? withoutThoughts(body) : undefined;
      if (rest === undefined) throw error;
      return post(rest);
    });
    return { call, answer };
  };
  return {
    fitted,
    complete: async (target, request, context) => {
      const { call, answer } = await ask(target, request, context, {});
      const { text, response } = await readResponse(answer, call);
      const completion = completionOf(response, headOf(target, context));
      return { completion, usage: usageOfAnswer(response), native: text };
    },
    stream: async (target, request, context) => {
      const { call, answer } = await ask(target, request, context, { stream: true });
      const reading = new ResponseReading(call, headOf(target, context), 'as it is');
      return readStream(answer.stream, call.signal, reading, answer.discard);
    },
  };
}

/** It cannot read thoughts that were sealed for another account or model. */
function isUnreadable(error: unknown): boolean {
  return error instanceof UpstreamFailure && error.details.code === 'invalid_encrypted_content';
}

/** @returns undefined where there are none. */
function withoutThoughts(body: Json): Json | undefined {
  const items = listIn(body.input);
  const input = items.filter((item) => !isJsonObject(item) || item.type !== 'reasoning');
  return input.length === items.length || input.length === 0 ? undefined : { ...body, input };
}

/** Nothing is kept at the provider, so models that think are asked to give their thoughts along, for the next request. */
function fitted(
  asked: Json,
  { limit, needs, model }: FittedTo,
): { readonly body: Json; readonly fits: readonly Fit[] } {
  const fits: Fit[] = [];
  const body: Record<string, unknown> = {};
  const { refusedFields } = withoutWordsOfChats(needs);
  const unmet = unmetIn(asked, refusedFields);
  if (unmet.length > 0) throw invalid(unmet);
  for (const [name, value] of Object.entries(asked)) {
    if (refusedFields?.includes(name)) fits.push(`left-out:${name}`);
    else body[name] = value;
  }
  if (limit !== undefined) body.max_output_tokens = limit;
  const { reasoning } = asked;
  const effort = isJsonObject(reasoning) ? EFFORTS.find((one) => one === reasoning.effort) : undefined;
  if (isJsonObject(reasoning) && effort) body.reasoning = { ...reasoning, effort: takenEffort(effort, needs, fits) };
  const include = Array.isArray(asked.include) ? asked.include : [];
  // Refused by models that do not think.
  const thinks = needs.thinkingSwitch !== 'none' && mayThink(needs, model);
  if (thinks && !include.includes(SEALED_THOUGHTS)) body.include = [...include, SEALED_THOUGHTS];
  return { body, fits };
}
