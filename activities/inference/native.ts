/**
 * Chats of clients that speak another form than OpenAI's. A model whose provider speaks the form too is asked in it, so
 * request and answer pass unchanged; any other gets the same request as a chat, and its answer is translated back.
 */
import type { PricedModel } from '../../core/catalog/model.ts';
import type { NativeAdapter, NativeRequest } from '../../core/providers/native.ts';
import { onlyStreams } from '../../core/providers/needs.ts';
import type { NativeForm } from '../../core/providers/provider.ts';
import { speaks } from '../../core/providers/vendors.ts';
import { type FieldError, invalid } from '../../infra/errors.ts';
import type { Candidate, PromptSize } from './plan.ts';
import type { PricedUse } from './request-policy.ts';

export type NativeAdapters = Readonly<Record<NativeForm, NativeAdapter>>;

export interface NativeChat extends NativeRequest {
  /** Of the request as it was written: the chat beside it may say less. */
  readonly size: PromptSize;
  /** What it asks for beyond tokens. */
  readonly priced: readonly PricedUse[];
  /** What a chat has no words for. */
  readonly untold: readonly FieldError[];
}

/** Whether every request of the client's form has wishes of thinking (fitChat). */
export function isTranslated({ native }: { readonly native?: NativeChat | undefined }): boolean {
  return native?.form === 'messages';
}

/** The models whose interface has words for all of it. @throws {AppError} naming what none has. */
export function ableToHear<Model extends PricedModel>(
  models: readonly Model[],
  native: NativeChat | undefined,
): readonly Model[] {
  if (native === undefined || native.untold.length === 0) return models;
  const able = models.filter((model) => speaks(native.form, model));
  if (able.length > 0) return able;
  throw invalid(native.untold);
}

/** How a candidate is asked in the client's form; undefined: as a chat. */
export function nativeWay(
  adapters: NativeAdapters,
  candidate: Candidate,
  native: NativeChat | undefined,
  answer: 'whole' | 'streamed',
): NativeAdapter | undefined {
  if (native === undefined || !speaks(native.form, candidate)) return undefined;
  // A whole answer that has to be put together from a stream is put together as a chat.
  const isAssembled = answer === 'whole' && onlyStreams(candidate.needs) && native.untold.length === 0;
  return isAssembled ? undefined : adapters[native.form];
}
