/**
 * What a call may cost before it is made: an upper bound of its prompt, token limits per candidate and the amount to
 * hold. Pure.
 */
import type { PricedModel } from '../../core/catalog/model.ts';
import type { Usage } from '../../core/ledger/money.ts';
import { affordableOutputTokens, costBound, type Price, type Rates } from '../../core/ledger/price.ts';
import type { ChatBody } from '../../core/providers/provider.ts';

/** Held for when neither the caller nor the model's record sets a limit. */
const FALLBACK_MAX_TOKENS = 4096;
/** A clamp never goes below this; an answer shorter than this is not worth its prompt. */
const CLAMP_FLOOR_TOKENS = 256;

/** A model that may serve the call, and the output limit it is called with. */
export interface Candidate extends PricedModel {
  readonly maxTokens: number;
}

export interface Plan {
  readonly candidates: readonly Candidate[];
  /** The dearest candidate's bound, in nano-units. */
  readonly holdAmount: bigint;
  /** The most tokens that any candidate may count, prompt and answer together. */
  readonly tokenBound: number;
  /** True when the balance pays for less than was asked. */
  readonly clamped: boolean;
}

export interface Asked {
  readonly size: PromptSize;
  /** The caller's limit of output tokens a choice; undefined = none given. */
  readonly maxTokens: number | undefined;
  /** Number of choices (`n`). */
  readonly choices: number;
}

/**
 * What one image counts at most in any known model (GPT-4o mini: 2,833 and 5,667 for each of 8 tiles), for models whose
 * record does not say it.
 */
const MOST_TOKENS_OF_AN_IMAGE = 48_169;

/** Of models whose record does not say it, for prompts that only the provider can count. */
const LARGEST_CONTEXT = 1_000_000;

/** The most tokens that a prompt can count. */
export function inputBound(model: PricedModel, size: PromptSize): number {
  const { textBytes, images, uncounted = 0 } = size;
  if (uncounted > 0) return model.contextWindow ?? LARGEST_CONTEXT;
  const tokens = textBytes + images * (model.tokensPerImage ?? MOST_TOKENS_OF_AN_IMAGE);
  return Math.min(tokens, model.contextWindow ?? Number.MAX_SAFE_INTEGER);
}

/** What is held for when a caller sets no limit, in tokens of one choice. */
export function unaskedLimit(model: PricedModel): number {
  return model.defaultMaxTokens ?? model.maxOutputTokens ?? FALLBACK_MAX_TOKENS;
}

/** @throws {RangeError} for a limit that is no count: input is checked before, and a wrong one would make calls free. */
function outputLimit(model: PricedModel, asked: Asked): number {
  const wanted = asked.maxTokens ?? unaskedLimit(model);
  const limit = Math.min(wanted, model.maxOutputTokens ?? wanted);
  for (const count of [limit, asked.choices]) {
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`no limit of a call: ${count}`);
  }
  return limit;
}

function bound(candidate: Candidate, asked: Asked): bigint {
  return costBound(candidate.price, inputBound(candidate, asked.size), candidate.maxTokens * asked.choices, 0);
}

function tokenBound(candidates: readonly Candidate[], { size, choices }: Asked): number {
  let most = 0;
  for (const candidate of candidates) {
    most = Math.max(most, inputBound(candidate, size) + candidate.maxTokens * choices);
  }
  return most;
}

function planOf(candidates: readonly Candidate[], asked: Asked, clamped: boolean): Plan {
  const holdAmount = candidates.map((candidate) => bound(candidate, asked)).reduce((a, b) => (b > a ? b : a), 0n);
  return { candidates, holdAmount, tokenBound: tokenBound(candidates, asked), clamped };
}

/** The plan with the limits that were asked for. */
export function planChat(models: readonly PricedModel[], asked: Asked): Plan {
  const candidates = models.map((model) => ({ ...model, maxTokens: outputLimit(model, asked) }));
  return planOf(candidates, asked, false);
}

/**
 * The plan that a balance can pay: output limits cut to the account's share (what is available, shared with its other
 * open holds), never below the floor. Candidates that not even the floor is paid for fall away.
 * @returns undefined when none is left.
 */
export function clampPlan(plan: Plan, asked: Asked, available: bigint, openHolds: number): Plan | undefined {
  const share = available / BigInt(openHolds + 1);
  const candidates = plan.candidates.flatMap((candidate) => {
    const input = inputBound(candidate, asked.size);
    const floor = Math.min(CLAMP_FLOOR_TOKENS, candidate.maxTokens);
    const tokens = Math.min(candidate.maxTokens, affordableOutputTokens(candidate.price, input, asked.choices, share));
    if (tokens >= floor) return [{ ...candidate, maxTokens: tokens }];
    const atFloor = { ...candidate, maxTokens: floor };
    return bound(atFloor, asked) <= available ? [atFloor] : [];
  });
  return candidates.length === 0 ? undefined : planOf(candidates, asked, true);
}

/**
 * The plan of a call that is paid for as a whole: it has no output limit that could be cut, so it is never clamped.
 * @param most of the answer, whichever model serves.
 */
export function unclampablePlan(
  models: readonly PricedModel[],
  promptBound: (model: PricedModel) => number,
  most: Partial<Pick<Usage, 'completionTokens' | 'searches' | 'characters' | 'audioSeconds'>> & {
    readonly images?: number;
  },
): Plan {
  const candidates = models.map((model) => ({ ...model, maxTokens: 0 }));
  const tokens = candidates.map(promptBound);
  const bounds = candidates.map(({ price }, index) =>
    costBound(price, tokens[index] ?? 0, most.completionTokens ?? 0, most.images ?? 0, most),
  );
  return {
    candidates,
    holdAmount: bounds.reduce((a, b) => (b > a ? b : a), 0n),
    tokenBound: Math.max(...tokens),
    clamped: false,
  };
}

/** @returns whether the price, or a rule of it, names it. */
export function isPriced({ rules, ...price }: Price, rate: keyof Rates): boolean {
  return [price, ...rules.map(({ rates }) => rates)].some((rates) => (rates[rate] ?? 0n) > 0n);
}

/** Role markers and separators that providers' chat templates add to a message. */
const TEMPLATE_TOKENS_PER_MESSAGE = 16;

export interface PromptSize {
  /** UTF-8 bytes of messages and of all else that a model may read, and the template around each message. */
  readonly textBytes: number;
  readonly images: number;
  /** Documents and the like, whose tokens only the provider can count: they may fill the context. */
  readonly uncounted?: number;
}

/** Measures a chat body; image data does not count as text. */
export function promptSize(body: ChatBody): PromptSize {
  let textBytes = 0;
  let images = 0;
  let uncounted = 0;
  for (const message of body.messages) {
    textBytes += TEMPLATE_TOKENS_PER_MESSAGE;
    if (typeof message !== 'object' || message === null) continue;
    for (const [field, value] of Object.entries(message)) {
      if (field !== 'content' || !Array.isArray(value)) {
        textBytes += bytesOf(value);
        continue;
      }
      for (const part of value) {
        if (isPartOf(part, 'image_url')) images += 1;
        else if (isPartOf(part, 'file')) uncounted += 1;
        else textBytes += bytesOf(part);
      }
    }
  }
  for (const [field, value] of Object.entries(body)) {
    if (field !== 'messages' && isForModel(value)) textBytes += bytesOf(value);
  }
  return uncounted === 0 ? { textBytes, images } : { textBytes, images, uncounted };
}

/** Tools, schemas, and in vendors' own words documents, glossaries, examples. A number or a flag is nothing that a model reads. */
export function isForModel(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}

function isPartOf(part: unknown, type: 'image_url' | 'file'): boolean {
  return typeof part === 'object' && part !== null && 'type' in part && part.type === type;
}

function bytesOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
}
