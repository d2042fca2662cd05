/**
 * One reader of usage for every vendor. Vendors differ in the names of their counts, in where they stand, and in whether
 * a count is part of another one or beside it; `total_tokens` shows the latter (docs/providers.md, "Usage"). Pure.
 */
import { isJsonObject, type JsonObject } from '../../infra/json-object.ts';
import type { CountedTokens, ReportedUsage } from './provider.ts';

/** No model takes or makes more in one call: a larger count is a mistake of the provider and must not empty an account. */
const MOST_TOKENS = 20_000_000;

/** Of what is no count, so much is reported. */
const TOLD_CHARACTERS = 100;

const MOST_TIER_CHARACTERS = 40;

/** Each count under all of its names. Where several are there, the largest counts. */
const NAMES = {
  prompt: ['prompt_tokens', 'input_tokens'],
  completion: ['completion_tokens', 'output_tokens'],
  total: ['total_tokens'],
  cached: [
    'cached_tokens',
    'prompt_cache_hit_tokens',
    'cache_read_input_tokens',
    'cache_read_tokens',
    'num_cached_tokens',
  ],
  written: [
    'cache_write_tokens',
    'cache_creation_input_tokens',
    'cache_creation_tokens',
    'cached_creation_tokens',
    'cached_write_tokens',
  ],
  writtenForMinutes: ['ephemeral_5m_input_tokens', 'claude_cache_creation_5_m_tokens'],
  writtenForAnHour: ['ephemeral_1h_input_tokens', 'claude_cache_creation_1_h_tokens'],
  reasoning: ['reasoning_tokens', 'thinking_tokens', 'thoughts_tokens'],
  searches: ['web_search_requests', 'web_search_calls', 'num_search_queries', 'num_sources_used', 'web_search'],
} as const;

const PROMPT_DETAILS = ['prompt_tokens_details', 'input_tokens_details', 'prompt_token_details'];
const CACHE_WRITES = ['cache_creation'];
const COMPLETION_DETAILS = ['completion_tokens_details', 'output_tokens_details'];
const TOOL_COUNTS = ['server_tool_use', 'server_side_tool_usage_details', 'tool_usage'];

/**
 * @param usage a usage as a provider wrote it.
 * @returns undefined for one that is missing. What is no count counts as nothing and is reported: it is then counted here, so
 * that a provider's slip neither loses the answer nor charges nonsense.
 */
export function readUsage(usage: unknown, serviceTier: unknown = undefined): ReportedUsage {
  if (!isJsonObject(usage)) return undefined;
  const said = [saidOf(usage, NAMES.prompt), saidOf(usage, NAMES.completion)];
  const total = countIn(usage, NAMES.total) || undefined;
  if (total === undefined && said.every((one) => one === 'nothing')) return undefined;
  const promptDetails = objectsOf([usage], PROMPT_DETAILS);
  const places = [usage, ...promptDetails];
  const cacheWrites = [...places, ...objectsOf(places, CACHE_WRITES)];
  const forAnHour = count(cacheWrites, NAMES.writtenForAnHour);
  const parts: Parts = {
    prompt: countIn(usage, NAMES.prompt),
    completion: countIn(usage, NAMES.completion),
    total,
    cached: count(places, NAMES.cached),
    written: Math.max(count(places, NAMES.written), forAnHour + count(cacheWrites, NAMES.writtenForMinutes)),
    reasoning: count([usage, ...objectsOf([usage], COMPLETION_DETAILS)], NAMES.reasoning),
    cacheIsBeside: isAnthropic(usage),
  };
  return {
    ...added(parts),
    hourCacheWriteTokens: forAnHour,
    searches: searchesOf(usage),
    serviceTier: usage.speed === 'fast' ? 'fast' : (tierOf(serviceTier) ?? tierOf(usage.service_tier)),
    impossible: said.includes('nonsense') ? nonsenseIn(usage) : null,
  };
}

interface Parts {
  /** Undefined: not said. */
  readonly prompt: number | undefined;
  readonly completion: number | undefined;
  readonly total: number | undefined;
  readonly cached: number;
  readonly written: number;
  readonly reasoning: number;
  /** What the names say where no total decides: tokens of the cache are beside the prompt. */
  readonly cacheIsBeside: boolean;
}

/** Which counts stand beside the one that they could be a part of. */
interface Reading {
  readonly cached: boolean;
  readonly written: boolean;
  readonly reasoning: boolean;
}

const READINGS: readonly Reading[] = [
  { cached: false, written: false, reasoning: false },
  { cached: false, written: false, reasoning: true },
  { cached: true, written: true, reasoning: false },
  { cached: true, written: false, reasoning: false },
  { cached: false, written: true, reasoning: false },
  { cached: true, written: true, reasoning: true },
  { cached: true, written: false, reasoning: true },
  { cached: false, written: true, reasoning: true },
];

const BESIDE_FIRST = [...READINGS].sort((a, b) => Number(b.cached && b.written) - Number(a.cached && a.written));

type Added = Omit<CountedTokens, 'hourCacheWriteTokens' | 'searches' | 'serviceTier' | 'impossible'>;

/** The counts as parts of each other: cached and written tokens of the prompt, reasoning of the completion. */
function added(parts: Parts): Added {
  const { total } = parts;
  // Zeros beside a total count nothing: nobody is asked nothing.
  const isOnlyTotal = !parts.prompt && !parts.completion;
  const prompt = parts.prompt || (isOnlyTotal ? 0 : Math.max(0, (total ?? 0) - (parts.completion ?? 0)));
  // A completion that only the total shows stays unexplained here: who knows the call judges whether it can be true.
  const completion = parts.completion ?? 0;
  const reading = readingOf(parts, prompt, completion);
  const promptTokens = prompt + beside(parts, reading);
  const completionTokens = completion + (reading.reasoning ? parts.reasoning : 0);
  const cachedTokens = Math.min(parts.cached, promptTokens);
  return {
    promptTokens,
    completionTokens,
    cachedTokens,
    cacheWriteTokens: Math.min(parts.written, promptTokens - cachedTokens),
    reasoningTokens: Math.min(parts.reasoning, completionTokens),
    unexplainedTokens: Math.max(0, (total ?? 0) - promptTokens - completionTokens),
    isPartial: total === undefined ? parts.completion === undefined : isOnlyTotal,
  };
}

/**
 * The reading that adds up to the total and in which no part is larger than its whole; else one that only adds up; else
 * (nothing adds up) one that the total has room for, as a vendor may be wrong by a token; else the first one in which
 * the parts fit.
 */
function readingOf(parts: Parts, prompt: number, completion: number): Reading {
  const readings = parts.cacheIsBeside ? BESIDE_FIRST : READINGS;
  const { total = Number.POSITIVE_INFINITY } = parts;
  const sumBy = (reading: Reading) =>
    prompt + completion + beside(parts, reading) + (reading.reasoning ? parts.reasoning : 0);
  const fits = ({ cached, written, reasoning }: Reading) =>
    (cached ? 0 : parts.cached) + (written ? 0 : parts.written) <= prompt &&
    (reasoning || parts.reasoning <= completion);
  const addsUp = (reading: Reading) => sumBy(reading) === total;
  const hasRoom = (reading: Reading) => total !== Number.POSITIVE_INFINITY && sumBy(reading) < total;
  const found =
    readings.find((reading) => addsUp(reading) && fits(reading)) ??
    readings.find(addsUp) ??
    readings.find((reading) => hasRoom(reading) && fits(reading)) ??
    readings.find(hasRoom) ??
    readings.find(fits);
  return found ?? { cached: true, written: true, reasoning: true };
}

function beside({ cached, written }: Parts, reading: Reading): number {
  return (reading.cached ? cached : 0) + (reading.written ? written : 0);
}

/** Anthropic's own form, which counts tokens of the cache beside the input. */
function isAnthropic(usage: JsonObject): boolean {
  const names = ['cache_read_input_tokens', 'cache_creation_input_tokens'];
  return usage.prompt_tokens === undefined && names.some((name) => usage[name] !== undefined);
}

/** The last place is DashScope's: `plugins.search.count`. */
function searchesOf(usage: JsonObject): number {
  const [search = {}] = objectsOf(objectsOf([usage], ['plugins']), ['search']);
  return Math.max(count([usage, ...objectsOf([usage], TOOL_COUNTS)], NAMES.searches), tokenCount(search.count) ?? 0);
}

function tierOf(value: unknown): string | null {
  const isTier = typeof value === 'string' && value !== '' && value.length <= MOST_TIER_CHARACTERS;
  return isTier ? value.toLowerCase() : null;
}

/** @returns undefined for what is no count of tokens. */
function tokenCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS ? value : undefined;
}

// Plain loops: a usage is read for every call, and lists of lists took a fifth of all our work on it.

function count(places: readonly JsonObject[], names: readonly string[]): number {
  let most = 0;
  for (const place of places) most = Math.max(most, countIn(place, names) ?? 0);
  return most;
}

function countIn(place: JsonObject, names: readonly string[]): number | undefined {
  let most: number | undefined;
  for (const name of names) {
    const tokens = tokenCount(place[name]);
    if (tokens !== undefined && (most === undefined || tokens > most)) most = tokens;
  }
  return most;
}

function saidOf(usage: JsonObject, names: readonly string[]): 'nothing' | 'count' | 'nonsense' {
  if (countIn(usage, names) !== undefined) return 'count';
  return valuesIn(usage, names).length === 0 ? 'nothing' : 'nonsense';
}

function nonsenseIn(usage: JsonObject): string {
  const said = [...valuesIn(usage, NAMES.prompt), ...valuesIn(usage, NAMES.completion)];
  return JSON.stringify(said).slice(0, TOLD_CHARACTERS);
}

function valuesIn(place: JsonObject, names: readonly string[]): unknown[] {
  return names.map((name) => place[name]).filter((value) => value !== undefined && value !== null);
}

function objectsOf(places: readonly JsonObject[], names: readonly string[]): JsonObject[] {
  const objects: JsonObject[] = [];
  for (const place of places) {
    for (const name of names) {
      const value = place[name];
      if (isJsonObject(value)) objects.push(value);
    }
  }
  return objects;
}

/**
 * Finds the usage of a completion or of a stream's chunks. It may stand in the last chunk, in each one (so far counted)
 * or in parts in several, beside the choices or inside of them, each with its own.
 */
export class UsageCollector {
  #shared: JsonObject | undefined;
  readonly #ofChoices = new Map<number, JsonObject>();
  #serviceTier: unknown;
  #saidSince = false;

  /** @param saysMore whether the chunk has a part of the answer: a count from before it cannot have counted it. */
  add(chunk: JsonObject, saysMore: boolean): void {
    if (saysMore) this.saidMore();
    if (typeof chunk.service_tier === 'string') this.#serviceTier = chunk.service_tier;
    const shared = chunk.usage ?? (isJsonObject(chunk.x_groq) ? chunk.x_groq.usage : undefined);
    if (isJsonObject(shared)) {
      this.#shared = merged(this.#shared, shared);
      this.#countedBy(shared);
    }
    for (const choice of Array.isArray(chunk.choices) ? chunk.choices : []) {
      if (!isJsonObject(choice) || !isJsonObject(choice.usage)) continue;
      const at = typeof choice.index === 'number' ? choice.index : 0;
      this.#ofChoices.set(at, merged(this.#ofChoices.get(at), choice.usage));
      this.#countedBy(choice.usage);
    }
  }

  /** For a chunk that has a part of the answer and nothing else that is new. */
  saidMore(): void {
    this.#saidSince = true;
  }

  /** A usage that counts nothing has not counted what was said before it. */
  #countedBy(usage: JsonObject): void {
    if (countIn(usage, NAMES.completion) || countIn(usage, NAMES.total)) this.#saidSince = false;
  }

  usage(): ReportedUsage {
    const usage = readUsage(this.#shared, this.#serviceTier) ?? this.#summed();
    return usage && this.#saidSince ? { ...usage, isPartial: true } : usage;
  }

  /** Choices with counts of their own have the prompt in common; the same count in each is the one of all. */
  #summed(): ReportedUsage {
    const byText = new Map([...this.#ofChoices.values()].map((usage) => [JSON.stringify(usage), usage]));
    const counted = [...byText.values()].flatMap((usage) => readUsage(usage, this.#serviceTier) ?? []);
    const [first] = counted;
    if (first === undefined) return undefined;
    const sum = (field: 'completionTokens' | 'reasoningTokens' | 'unexplainedTokens') =>
      counted.reduce((total, usage) => total + usage[field], 0);
    return {
      ...first,
      completionTokens: sum('completionTokens'),
      reasoningTokens: sum('reasoningTokens'),
      unexplainedTokens: sum('unexplainedTokens'),
      isPartial: counted.some(({ isPartial }) => isPartial),
      impossible: counted.find(({ impossible }) => impossible !== null)?.impossible ?? null,
    };
  }
}

/** The usage of a whole answer. */
export function usageOfAnswer(completion: JsonObject): ReportedUsage {
  const collector = new UsageCollector();
  collector.add(completion, false);
  return collector.usage();
}

/** Counts only grow within a stream, and what is none does not undo one; whatever else changes, the last one stands. */
function merged(before: JsonObject | undefined, next: JsonObject): JsonObject {
  if (before === undefined) return next;
  const fields: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(next)) {
    const old = before[name];
    const counted = tokenCount(old);
    if (value === null || value === undefined) continue;
    if (isJsonObject(old) && isJsonObject(value)) fields[name] = merged(old, value);
    else fields[name] = counted === undefined ? value : Math.max(counted, tokenCount(value) ?? 0);
  }
  return fields;
}
