/** The gateway's own chat form (POST /v1/chat) in OpenAI's words. Pure. */

import type { ChatBody } from '../../core/providers/provider.ts';
import { type FieldError, invalid } from '../../infra/errors.ts';
import { isInheritedName } from '../../infra/json-object.ts';
import { limitErrors } from './call-limits.ts';
import { imageUrlOf } from './image-input.ts';
import { GATEWAY_FIELDS } from './owned-fields.ts';

export interface ImageInput {
  readonly base64?: string | undefined;
  readonly url?: string | undefined;
}

/** The body of POST /v1/chat, as checked by its route. */
export interface ChatInput {
  readonly userMessage?: string | undefined;
  readonly history?: readonly { readonly role: string; readonly content: string }[] | undefined;
  readonly images?: readonly ImageInput[] | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Spellings of the earlier service's clients. */
const OPTION_NAMES: ReadonlyMap<string, string> = new Map([
  ['topP', 'top_p'],
  ['maxTokens', 'max_tokens'],
  ['maxCompletionTokens', 'max_completion_tokens'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['presencePenalty', 'presence_penalty'],
]);

/** Options that the gateway sets itself. */
const OWN_FIELDS = new Set(['model', 'messages', 'stream', 'stream_options', 'n', ...GATEWAY_FIELDS]);

/** @throws {AppError} missingParameter when there is nothing to say; invalidParameter for a broken image or option. */
export function chatBodyOf(input: ChatInput): ChatBody {
  const history = input.history ?? [];
  const images = (input.images ?? []).map((image, index) => imageUrlOf(image, `images[${index}]`));
  const text = input.userMessage ?? '';
  if (text === '' && images.length === 0 && history.length === 0) {
    throw invalid([{ path: 'userMessage', message: 'is required' }], 'missingParameter');
  }
  const messages: unknown[] = history.map(({ role, content }) => ({ role, content }));
  if (images.length > 0) {
    const parts = images.map((url) => ({ type: 'image_url', image_url: { url } }));
    messages.push({ role: 'user', content: text === '' ? parts : [{ type: 'text', text }, ...parts] });
  } else if (text !== '') {
    messages.push({ role: 'user', content: text });
  }
  return { ...optionFields(input.options ?? {}), messages };
}

function optionFields(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(options)) {
    const field = OPTION_NAMES.get(name) ?? name;
    const path = `options.${name}`;
    if (isInheritedName(name)) errors.push({ path, message: 'is not an allowed name' });
    else if (OWN_FIELDS.has(field)) errors.push({ path, message: 'is set by the gateway' });
    else if (value !== null) {
      errors.push(...limitErrors(field, value, path));
      fields[field] = value;
    }
  }
  if (errors.length > 0) throw invalid(errors);
  return fields;
}
