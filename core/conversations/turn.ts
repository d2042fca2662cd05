/** One turn of a kept conversation: what was said, and which earlier messages the model gets. Pure. */
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../infra/json-object.ts';
import { messageIdOf, type NewMessage, titleOf } from './conversation.ts';

/** Which conversation a call belongs to; kept with a job, so that whoever completes the job can add its messages. */
export const turnSchema = z.object({
  conversationId: z.string(),
  /** Of a conversation that begins with this turn. */
  newTitle: z.string().exactOptional(),
  /** The earlier messages that the model gets, oldest first; empty when the caller sent its own history. */
  context: z.array(z.object({ role: z.string(), content: z.string() })),
});
export type Turn = z.infer<typeof turnSchema>;

/** What a model said at the end of a turn; `cost` in nano-units. */
export interface Said {
  readonly content: string;
  readonly reasoningContent: string | undefined;
  readonly modelIdentifier: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: bigint;
}

/** The messages of a turn as they are kept. An answer without words, such as the call of a tool, is none. */
export function turnMessages(asked: readonly NewMessage[], said: Said): NewMessage[] {
  const { reasoningContent = null, ...answer } = said;
  const silent = answer.content === '' && reasoningContent === null;
  return silent ? [...asked] : [...asked, { role: 'assistant', reasoningContent, ...answer }];
}

/** The id that the answer of a turn is kept under. */
export function answerIdOf(requestId: string, asked: readonly NewMessage[]): string {
  return messageIdOf(requestId, asked.length);
}

export function newTitleOf(asked: readonly NewMessage[]): string {
  return titleOf(asked.map(({ content }) => content).join(' '));
}

/** What POST /v1/chat asks. An image is kept by its address; one that came as bytes is not kept. */
export function askedInChat(input: {
  readonly userMessage?: string | undefined;
  readonly images?: readonly { readonly url?: string | undefined }[] | undefined;
}): NewMessage[] {
  const { userMessage = '', images = [] } = input;
  if (userMessage === '' && images.length === 0) return [];
  return [{ role: 'user', content: userMessage, imageUrls: addresses(images.map(({ url }) => url)) }];
}

/** What the messages of an OpenAI request ask: what its user says after the model has spoken last. */
export function askedInMessages(messages: readonly unknown[]): NewMessage[] {
  const last = messages.findLastIndex((message) => roleOf(message) === 'assistant');
  return messages.slice(last + 1).flatMap((message) => {
    if (roleOf(message) !== 'user') return [];
    const parts = partsOf(message);
    const texts = parts.flatMap((part) => (typeof part.text === 'string' ? [part.text] : []));
    const urls = parts.map(({ image_url: image }) => (isJsonObject(image) ? image.url : undefined));
    return [{ role: 'user', content: texts.join('\n'), imageUrls: addresses(urls) }];
  });
}

/** Whether an OpenAI request has the history in it. */
export function tellsHistory(messages: readonly unknown[]): boolean {
  return messages.some((message) => !['user', 'system', 'developer'].includes(roleOf(message)));
}

/** The messages of an OpenAI request with the conversation before what is new, and after its instructions. */
export function withContext(messages: readonly unknown[], context: readonly unknown[]): readonly unknown[] {
  const first = messages.findIndex((message) => roleOf(message) === 'user');
  const place = first === -1 ? messages.length : first;
  return [...messages.slice(0, place), ...context, ...messages.slice(place)];
}

function addresses(urls: readonly unknown[]): string[] {
  return urls.filter((url): url is string => typeof url === 'string' && /^https?:\/\//i.test(url));
}

function partsOf(message: unknown): JsonObject[] {
  const content = isJsonObject(message) ? message.content : undefined;
  if (typeof content === 'string') return [{ text: content }];
  return Array.isArray(content) ? content.filter(isJsonObject) : [];
}

function roleOf(message: unknown): string {
  return isJsonObject(message) && typeof message.role === 'string' ? message.role : '';
}
