/**
 * Which part of a prompt is read from the cache and which is written, by its breakpoints. A prefix up to a breakpoint
 * that an earlier request has written is read; what follows up to the last breakpoint is written, for five minutes or
 * an hour as it says. Anthropic's least length of a prefix is left out.
 */
import { createHash } from 'node:crypto';
import { countTokens } from '../../infra/tokens.ts';
import type { MessagesRequest } from './request.ts';

export interface CachedPrompt {
  readonly readTokens: number;
  readonly writtenTokens: number;
  /** Part of `writtenTokens`. */
  readonly hourTokens: number;
}

interface Breakpoint {
  readonly hash: string;
  readonly tokens: number;
  readonly forAnHour: boolean;
}

/** Enough for a test run. */
const MOST_PREFIXES = 100_000;

export class PromptCache {
  readonly #known = new Set<string>();

  /** @param promptTokens of the whole prompt. */
  use(key: string, request: MessagesRequest, promptTokens: number): CachedPrompt {
    const breakpoints = breakpointsOf(key, request);
    const last = breakpoints.at(-1);
    if (last === undefined) return { readTokens: 0, writtenTokens: 0, hourTokens: 0 };
    const known = breakpoints.findLast(({ hash }) => this.#known.has(hash));
    const readTokens = Math.min(known?.tokens ?? 0, promptTokens);
    let writtenTokens = 0;
    let hourTokens = 0;
    let before = readTokens;
    for (const { tokens, forAnHour } of breakpoints) {
      const more = Math.max(0, Math.min(tokens, promptTokens) - before);
      before += more;
      writtenTokens += more;
      if (forAnHour) hourTokens += more;
    }
    if (this.#known.size > MOST_PREFIXES) this.#known.clear();
    for (const { hash } of breakpoints) this.#known.add(hash);
    return { readTokens, writtenTokens, hourTokens };
  }
}

function breakpointsOf(key: string, request: MessagesRequest): Breakpoint[] {
  const { tools = [], system = [], messages, model } = request;
  const blocks: unknown[] = [...tools, ...(typeof system === 'string' ? [system] : system)];
  for (const { role, content } of messages) {
    blocks.push(role, ...(typeof content === 'string' ? [content] : content));
  }
  const hash = createHash('sha1').update(`${key} ${model}`);
  const found: Breakpoint[] = [];
  let tokens = 0;
  for (const [index, block] of blocks.entries()) {
    const mark =
      typeof block === 'object' && block !== null && 'cache_control' in block ? block.cache_control : undefined;
    const text = JSON.stringify(block, (name, value: unknown) => (name === 'cache_control' ? undefined : value));
    hash.update(text);
    tokens += countTokens(typeof block === 'object' && block !== null && 'text' in block ? String(block.text) : text);
    const automatic = index === blocks.length - 1 ? request.cache_control : undefined;
    const marked = typeof mark === 'object' && mark !== null ? mark : automatic;
    if (!marked) continue;
    found.push({ hash: hash.copy().digest('hex'), tokens, forAnHour: 'ttl' in marked && marked.ttl === '1h' });
  }
  return found;
}
