/** What the playground calls: the same body is sent, and shown as code. Pure. */
import type { Model } from '../api/generated/schema.ts';

export const EFFORTS = ['minimal', 'low', 'medium', 'high'] as const;

export interface Parameters {
  readonly system: string;
  readonly temperature: number | string;
  readonly topP: number | string;
  readonly maxTokens: number | string;
  readonly effort: string | null;
  /** A JSON array of tools in OpenAI's form; empty for none. */
  readonly tools: string;
  readonly size: string;
  readonly count: number | string;
  readonly asJob: boolean;
  /** Whether the messages are kept in a conversation. */
  readonly isKept: boolean;
}

export const NO_PARAMETERS: Parameters = {
  ...{ system: '', temperature: '', topP: '', maxTokens: '', effort: null, tools: '', size: '', count: '' },
  ...{ asJob: false, isKept: false },
};

export interface Spoken {
  readonly text: string;
  /** Data URLs. */
  readonly images: readonly string[];
}

/** What was said before: by the user, and the answer to it. */
export interface Exchange {
  readonly said: Spoken;
  readonly answer: string;
}

export function makesPictures({ capabilities }: Pick<Model, 'capabilities'>): boolean {
  return capabilities.includes('text-to-image') || capabilities.includes('image-to-image');
}

export function isChat({ capabilities }: Pick<Model, 'capabilities'>): boolean {
  return capabilities.includes('text-to-text') || capabilities.includes('image-to-text');
}

export function takesPictures({ capabilities }: Pick<Model, 'capabilities'>): boolean {
  return capabilities.includes('image-to-text') || capabilities.includes('image-to-image');
}

/** @throws SyntaxError for what is no JSON array. */
export function toolsOf(text: string): unknown[] | undefined {
  if (text.trim() === '') return undefined;
  const tools: unknown = JSON.parse(text);
  if (!Array.isArray(tools)) throw new SyntaxError('not an array');
  return tools;
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== '' && value !== null && value !== undefined),
  );
}

/** In the words of OpenAI, which both forms of a chat take. */
function chatOptions({ temperature, topP, maxTokens, effort, tools }: Parameters): Record<string, unknown> {
  return given({
    ...{ temperature, top_p: topP, max_tokens: maxTokens, reasoning_effort: effort, tools: toolsOf(tools) },
  });
}

function contentOf({ text, images }: Spoken): unknown {
  if (images.length === 0) return text;
  const parts = images.map((url) => ({ type: 'image_url', image_url: { url } }));
  return [...(text === '' ? [] : [{ type: 'text', text }]), ...parts];
}

/** `conversationId` of what is kept already. */
export interface Asked {
  readonly model: Pick<Model, 'modelIdentifier' | 'capabilities'>;
  readonly parameters: Parameters;
  readonly before: readonly Exchange[];
  readonly said: Spoken;
  readonly conversationId?: string | undefined;
}

export function chatRequest({ model, parameters, before, said, conversationId }: Asked) {
  const { system, isKept } = parameters;
  const messages: unknown[] = [
    ...(system === '' ? [] : [{ role: 'system', content: system }]),
    ...before.flatMap((exchange) => [
      { role: 'user', content: contentOf(exchange.said) },
      { role: 'assistant', content: exchange.answer },
    ]),
    { role: 'user', content: contentOf(said) },
  ];
  const kept = isKept ? given({ persist_history: true, conversation_id: conversationId }) : {};
  return { model: model.modelIdentifier, messages, stream: true, ...chatOptions(parameters), ...kept };
}

export function chatJob({ model, parameters, before, said, conversationId }: Asked) {
  const { system, isKept } = parameters;
  const history = [
    ...(system === '' ? [] : [{ role: 'system', content: system }]),
    ...before.flatMap((exchange) => [
      { role: 'user', content: exchange.said.text },
      { role: 'assistant', content: exchange.answer },
    ]),
  ];
  return {
    ...{ modelIdentifier: model.modelIdentifier, userMessage: said.text },
    ...(history.length === 0 ? {} : { history }),
    ...(said.images.length === 0 ? {} : { images: said.images.map((url) => ({ url })) }),
    ...{ options: chatOptions(parameters) },
    ...(isKept ? { persistHistory: true, ...(conversationId === undefined ? {} : { conversationId }) } : {}),
  };
}

export function pictureRequest({ model, parameters: { size, count }, said }: Asked) {
  const [originImage] = said.images;
  return {
    ...{ prompt: said.text, modelIdentifier: model.modelIdentifier },
    ...(originImage === undefined ? {} : { originImage }),
    options: given({ size, n: count }),
  };
}

/** As code shows it. */
export function shownRequest(asked: Asked): { path: string; body: Record<string, unknown> } {
  const { asJob } = asked.parameters;
  if (!isChat(asked.model)) {
    return { path: asJob ? '/v1/async/generate-image' : '/v1/generate-image', body: pictureRequest(asked) };
  }
  if (asJob) return { path: '/v1/async/chat', body: chatJob(asked) };
  return { path: '/v1/chat/completions', body: chatRequest(asked) };
}
