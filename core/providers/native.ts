/** Chats in the form in which their client wrote them, at providers that speak it too. */
import type { JsonObject } from '../../infra/json-object.ts';
import type { Fit } from './fit.ts';
import type { ModelNeeds } from './needs.ts';
import type { CallContext, ChatAnswer, ChatChunk, NativeForm, UpstreamTarget } from './provider.ts';

/** A chat as its client wrote it. */
export interface NativeRequest {
  readonly form: NativeForm;
  readonly body: JsonObject;
  /** The client's headers that belong to the form. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface FittedTo {
  /** Undefined: the request carries none but its own. */
  readonly limit: number | undefined;
  readonly needs: ModelNeeds;
  /** As its provider names it. */
  readonly model: string;
}

/**
 * Calls a provider in the form that the client speaks: the request goes out as it came but for model and limit, the
 * answer comes back as it was written. It is only read along, as a chat, to know what was said and used.
 */
export interface NativeAdapter {
  /** With the limit of output tokens that the call is held for, and without what the model refuses. Pure. */
  fitted(body: JsonObject, to: FittedTo): { readonly body: JsonObject; readonly fits: readonly Fit[] };
  /** @throws {UpstreamFailure} */
  complete(target: UpstreamTarget, request: NativeRequest, context: CallContext): Promise<Required<ChatAnswer>>;
  /** @throws {UpstreamFailure} as `ChatAdapter.stream`. */
  stream(target: UpstreamTarget, request: NativeRequest, context: CallContext): Promise<AsyncIterable<ChatChunk>>;
  /** Tokens of a prompt as the provider counts them, for free. @throws {UpstreamFailure} */
  count?(target: UpstreamTarget, request: NativeRequest, signal: AbortSignal): Promise<number>;
}
