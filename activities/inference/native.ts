/**
 * Chats of clients that speak another form than OpenAI's. A model whose provider speaks the form too is asked in it, so
 * request and answer pass unchanged; any other gets the same request as a chat, and its answer is translated back.
 */
import type { PricedModel } from '../../core/catalog/model.ts';
import type { NativeAdapter, NativeRequest } from '../../core/providers/native.ts';
import { onlyStreams } from '../../core/providers/needs.ts';
import type { ChatBody, NativeForm } from '../../core/providers/provider.ts';
import { speaks } from '../../core/providers/vendors.ts';
import { type FieldError, invalid } from '../../infra/errors.ts';
import type { ClientPaths } from './client-paths.ts';
import type { KeptTexts } from './kept-files.ts';
import type { Candidate, PromptSize } from './plan.ts';
import { type AskedDocument, documentsIn, takesDocuments } from './request-files.ts';
import type { PricedUse } from './request-policy.ts';

export type NativeAdapters = Readonly<Record<NativeForm, NativeAdapter>>;

export interface NativeChat extends NativeRequest {
  /** Of the request as it was written: the chat beside it may say less. */
  readonly size: PromptSize;
  /** What it asks for beyond tokens. */
  readonly priced: readonly PricedUse[];
  /** What a chat has no words for, and documents, which not every model takes in a chat. */
  readonly untold: readonly Untold[];
  /** For errors of the chat beside it. */
  readonly paths: ClientPaths;
}

export type Untold = FieldError | AskedDocument;

/** Whether every request of the client's form has wishes of thinking (fitChat). */
export function isTranslated({ native }: { readonly native?: NativeChat | undefined }): boolean {
  return native?.form === 'messages';
}

interface Heard {
  readonly native?: NativeChat | undefined;
  readonly body: ChatBody;
  /** Of the files that it names. */
  readonly texts?: KeptTexts | undefined;
}

/** What a chat has no words for, and documents that are no texts. */
export function untoldIn({ native, body, texts }: Heard): readonly Untold[] {
  const untold = native?.untold ?? documentsIn(body);
  const isText = (each: Untold) => isDocument(each) && each.fileId !== undefined && texts?.has(each.fileId);
  return texts === undefined || texts.size === 0 ? untold : untold.filter((each) => !isText(each));
}

/** The models whose interface has words for all of it. @throws {AppError} naming what none has. */
export function ableToHear<Model extends PricedModel>(models: readonly Model[], heard: Heard): readonly Model[] {
  const { native, body } = heard;
  const untold = untoldIn(heard);
  if (untold.length === 0) return models;
  const documents = untold.filter(isDocument);
  const able = models.filter(
    (model) =>
      (native !== undefined && speaks(native.form, model)) ||
      (documents.length === untold.length && takesDocuments(model, body, documents)),
  );
  if (able.length > 0) return able;
  throw invalid(untold);
}

function isDocument(untold: Untold): untold is AskedDocument {
  return 'document' in untold;
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
  const isAssembled = answer === 'whole' && onlyStreams(candidate.needs) && native.untold.every(isDocument);
  return isAssembled ? undefined : adapters[native.form];
}
