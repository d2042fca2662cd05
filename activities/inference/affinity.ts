/**
 * What the calls of one conversation have in common, so that they keep to one provider key and find their prompt in the
 * vendor's cache. It never leaves the process.
 */
import { hash } from 'node:crypto';
import type { ChatBody } from '../../core/providers/provider.ts';
import { isJsonObject } from '../../infra/json-object.ts';

/** Claude Code, Codex, OpenCode, Open WebUI, Helicone's clients, and the common `x-session-id` and `x-conversation-id`. */
const SESSION_HEADERS = [
  'x-claude-code-session-id',
  'session_id',
  'session-id',
  'conversation_id',
  'x-session-affinity',
  'x-opencode-session',
  'x-openwebui-chat-id',
  'helicone-session-id',
  'x-session-id',
  'x-conversation-id',
];
/** A prefix that is the same for longer is the same conversation. */
const LONGEST_TEXT = 4_000;

/** The session that a client names in its headers. */
export function sessionOf(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  for (const name of SESSION_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

export interface InConversation {
  readonly caller: { readonly userId: number };
  /** What names the conversation outside of the body. */
  readonly session?: string | undefined;
  readonly body: ChatBody;
}

/** Of a chat: `prompt_cache_key`, the session, `user`, or else the messages up to the first of the user. */
export function affinityOf({ caller, session, body }: InConversation): string {
  const named = [body.prompt_cache_key, session, body.user].find((name) => typeof name === 'string' && name !== '');
  const beginning = named === undefined ? beginningOf(body.messages) : [named];
  return hash('sha1', JSON.stringify([caller.userId, ...beginning]));
}

function beginningOf(messages: readonly unknown[]): string[] {
  const firstOfUser = messages.findIndex((message) => isJsonObject(message) && message.role === 'user');
  return messages.slice(0, firstOfUser + 1).flatMap(textsOf);
}

/** The beginning of each text, and of each image's address: images are megabytes. */
function textsOf(message: unknown): string[] {
  if (!isJsonObject(message)) return [];
  const parts = Array.isArray(message.content) ? message.content : [message.content];
  return parts.map((part) => {
    if (typeof part === 'string') return part.slice(0, LONGEST_TEXT);
    if (!isJsonObject(part)) return '';
    const address = isJsonObject(part.image_url) ? part.image_url.url : part.text;
    return typeof address === 'string' ? address.slice(0, LONGEST_TEXT) : '';
  });
}
