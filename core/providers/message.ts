/**
 * A message of a chat model, or a delta of one: what it says, in whichever field, and the form in which clients can read
 * it. Pure.
 */
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';

/** Names under which models send their thoughts; some servers send two of them with the same text. */
const REASONING = ['reasoning_content', 'reasoning', 'thinking'] as const;

export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function reasoningIn(message: Json): string {
  for (const name of REASONING) {
    const text = message[name];
    if (typeof text === 'string' && text !== '') return text;
  }
  return '';
}

/** Whether it is a part of an answer: a text, a thought, a refusal, a call of a tool, an image, speech. A role is none. */
export function says(message: Json): boolean {
  return (
    textIn(message.content) !== '' ||
    reasoningIn(message) !== '' ||
    listIn(message.tool_calls).length > 0 ||
    textIn(message.refusal) !== '' ||
    isJsonObject(message.function_call) ||
    listIn(message.images).length > 0 ||
    isJsonObject(message.audio) ||
    listIn(message.content_parts).some(partSays) ||
    listIn(message.reasoning_details).length > 0
  );
}

function partSays(part: unknown): boolean {
  if (!isJsonObject(part)) return false;
  return part.type === 'text' ? textIn(part.text) !== '' : true;
}

/** Everything of it that is text, for counting. */
export function textsOf(message: Json): string[] {
  const calls = listIn(message.tool_calls).map((call) => callText(isJsonObject(call) ? call.function : undefined));
  const transcript = isJsonObject(message.audio) ? textIn(message.audio.transcript) : '';
  const texts = [textIn(message.content), reasoningIn(message), textIn(message.refusal), transcript];
  return [...texts, ...calls, callText(message.function_call)].filter((text) => text !== '');
}

function callText(call: unknown): string {
  return isJsonObject(call) ? textIn(call.name) + argumentsIn(call.arguments) : '';
}

/** Some servers give the arguments as the object that they are. */
function argumentsIn(value: unknown): string {
  return isJsonObject(value) ? JSON.stringify(value) : textIn(value);
}

/**
 * Content that is a list of parts becomes the text that OpenAI's clients read, thoughts become reasoning_content, and the
 * parts themselves stay as `content_parts`. @returns the same object where there is nothing to change.
 */
export function readableMessage(message: Json): Json {
  const { content, tool_calls: calls, ...others } = message;
  const hasObjects = Array.isArray(calls) && calls.some(hasArgumentsObject);
  if (!hasObjects && (typeof content === 'string' || content === null || content === undefined)) return message;
  return {
    ...others,
    ...(content === undefined ? {} : readableContent(content, reasoningIn(message))),
    ...(calls === undefined ? {} : { tool_calls: hasObjects ? calls.map(withArgumentsText) : calls }),
  };
}

function readableContent(content: unknown, reasoning: string): Json {
  if (typeof content === 'string' || content === null) return { content };
  const parts = Array.isArray(content) ? content : [content];
  const thoughts = reasoning === '' ? parts.map(thoughtOf).join('') : '';
  return {
    content: parts.map(textOfPart).join(''),
    ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
    ...(parts.length === 0 ? {} : { content_parts: parts }),
  };
}

const THOUGHTS = new Set(['thinking', 'reasoning', 'reasoning_text', 'redacted_thinking']);

function textOfPart(part: unknown): string {
  if (typeof part === 'string') return part;
  return isJsonObject(part) && !isThought(part) ? textIn(part.text) : '';
}

function thoughtOf(part: unknown): string {
  if (!isJsonObject(part) || !isThought(part)) return '';
  const inner = part.thinking ?? part.reasoning ?? part.text;
  return typeof inner === 'string'
    ? inner
    : listIn(inner)
        .map((piece) => (isJsonObject(piece) ? textIn(piece.text) : textIn(piece)))
        .join('');
}

function isThought({ type }: Json): boolean {
  return typeof type === 'string' && THOUGHTS.has(type);
}

function hasArgumentsObject(call: unknown): boolean {
  return isJsonObject(call) && isJsonObject(call.function) && isJsonObject(call.function.arguments);
}

function withArgumentsText(call: unknown): unknown {
  if (!isJsonObject(call) || !isJsonObject(call.function) || !hasArgumentsObject(call)) return call;
  return { ...call, function: { ...call.function, arguments: JSON.stringify(call.function.arguments) } };
}
