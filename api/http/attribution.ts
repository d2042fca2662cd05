/** Who asks, as chat programs and agents say it in headers: tags of the usage log, which decide nothing. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Tags } from '../../core/usage/usage-record.ts';

/** Names of the tags by their header. Open WebUI sends its own with ENABLE_FORWARD_USER_INFO_HEADERS. */
const TAGS: Readonly<Record<string, string>> = {
  'x-openwebui-user-id': 'openwebui-user-id',
  'x-openwebui-user-name': 'openwebui-user-name',
  'x-openwebui-user-email': 'openwebui-user-email',
  'x-openwebui-user-role': 'openwebui-user-role',
  'x-openwebui-chat-id': 'openwebui-chat-id',
  'x-claude-code-session-id': 'claude-code-session-id',
  'x-claude-code-agent-id': 'claude-code-agent-id',
  // OpenRouter's two, which Cline, LobeHub and others send.
  'http-referer': 'referer',
  'x-title': 'title',
};
const HEADERS = Object.entries(TAGS);
/** A row of the log stays small, whatever a client sends. */
const MOST_CHARACTERS = 128;

export function tagsOf(headers: IncomingHttpHeaders): Tags {
  const tags: Record<string, string> = {};
  for (const [header, name] of HEADERS) {
    const value = headers[header];
    if (typeof value === 'string' && value !== '') tags[name] = readable(value);
  }
  return tags;
}

/** Names are sent percent-encoded or in UTF-8, which Node reads as Latin-1. */
function readable(value: string): string {
  const text = Buffer.from(value, 'latin1').toString('utf8');
  return decoded(text).replaceAll(/\p{C}/gu, '').slice(0, MOST_CHARACTERS).toWellFormed();
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
