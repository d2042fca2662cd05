/**
 * What a chat used: the provider's own count where it is one, or ours of what was delivered; and counts that cannot be
 * true, which the operator has to settle with the provider. A count that seems too large is charged up to the hold.
 */
import { Counter, type Registry } from 'prom-client';
import { NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import type { ChatBody, ReportedUsage } from '../../core/providers/provider.ts';
import type { UsageDoubt } from '../../core/usage/usage-record.ts';
import type { Logger } from '../../infra/logger.ts';
import { countTokens, estimateTokens } from '../../infra/tokens.ts';
import { type Candidate, inputBound, isForModel, type PromptSize, promptSize } from './plan.ts';
import { askedLimit, BATCH_TIER } from './request-policy.ts';

export interface DeliveredChat {
  /** Undefined when it never came. */
  readonly usage: ReportedUsage;
  /** Everything that was delivered as text. */
  readonly texts: readonly string[];
}

/** Above its bound a count may be true: what a provider adds to a prompt, thoughts that a token limit does not cover. */
const BELIEVED_TIMES = 2;
const BELIEVED_MORE = 1_000;

/**
 * The provider's usage, with our own count, marked as estimated, in place of what is missing, is none, or counts nothing
 * where there was something. What is doubted says so; only `too-large` bounds the charge, to the hold.
 * @param size of the request as its client wrote it.
 */
export function usageOf(
  body: ChatBody,
  { usage, texts }: DeliveredChat,
  candidate: Candidate,
  noteDoubt: NoteUsageDoubt,
  size: PromptSize = promptSize(body),
): Usage {
  const estimate = (): Usage => estimateUsage(body, texts, candidate.tokensPerImage);
  const most = boundOf(body, size, candidate);
  const corrected = correctedUsage(usage, texts, estimate, most);
  const isBeyond = isFarBeyond(corrected, most) && isFarBeyond(corrected, estimate());
  const doubt = isBeyond ? 'too-large' : corrected.doubt;
  if (doubt !== null) noteDoubt(doubt, candidate, usage ?? {});
  return { ...corrected, doubt, serviceTier: corrected.serviceTier ?? tierAsked(body) };
}

function correctedUsage(usage: ReportedUsage, texts: readonly string[], estimate: () => Usage, most: Counts): Usage {
  if (!usage) return { ...estimate(), doubt: 'missing' };
  const { unexplainedTokens, isPartial, impossible, ...counted } = usage;
  const reported: Usage = { ...NO_USAGE, ...counted };
  const orOurs = (said: Usage, doubt: UsageDoubt) => filled(said, estimate(), isPartial, doubt);
  const isNothing = reported.promptTokens + reported.completionTokens === 0;
  if (isNothing && unexplainedTokens > 0) {
    return splitTotal(reported, unexplainedTokens, estimate(), impossible === null ? 'missing' : 'impossible');
  }
  if (impossible !== null) return orOurs(reported, 'impossible');
  // Gemini's OpenAI form names its thoughts in the total only. What the call may not take was none of its thoughts.
  const explained = { ...reported, completionTokens: reported.completionTokens + unexplainedTokens };
  const isExplained =
    unexplainedTokens > 0 &&
    explained.promptTokens <= most.promptTokens &&
    explained.completionTokens <= most.completionTokens;
  if (isPartial && !isNothing) return orOurs(isExplained ? explained : reported, 'missing');
  if (isExplained) return { ...explained, doubt: 'unexplained' };
  const saysNothing = reported.completionTokens === 0 && texts.some((text) => text !== '');
  if (reported.promptTokens === 0 || saysNothing) return orOurs(reported, 'too-small');
  return { ...reported, doubt: unexplainedTokens > 0 ? 'unexplained' : null };
}

/** Our count in place of what the provider has not counted, or not to its end; what it has counted stands. */
function filled(reported: Usage, estimate: Usage, isPartial: boolean, doubt: UsageDoubt): Usage {
  const { promptTokens, completionTokens } = reported;
  const isCounted = completionTokens > 0 && !isPartial;
  return {
    ...reported,
    promptTokens: promptTokens || estimate.promptTokens,
    completionTokens: isCounted ? completionTokens : Math.max(completionTokens, estimate.completionTokens),
    estimated: true,
    doubt,
  };
}

/** A total alone: what was delivered is the completion, and the rest, whatever it was, the cheaper prompt. */
function splitTotal(reported: Usage, total: number, estimate: Usage, doubt: UsageDoubt): Usage {
  const completionTokens = Math.min(estimate.completionTokens, total);
  return { ...reported, completionTokens, promptTokens: total - completionTokens, estimated: true, doubt };
}

/** What was asked for, where the provider does not say what it was. */
export function tierAsked({ service_tier: asked }: Readonly<Record<string, unknown>>): string | null {
  const tier = typeof asked === 'string' ? asked.toLowerCase() : 'auto';
  return tier === 'auto' || tier === BATCH_TIER ? null : tier;
}

type Counts = Pick<Usage, 'promptTokens' | 'completionTokens'>;

/** True for a count that cannot be true of a call which may take at most so much. */
export function isFarBeyond(usage: Counts, most: Counts): boolean {
  const beyond = (count: number, bound: number) => count > BELIEVED_TIMES * bound + BELIEVED_MORE;
  return beyond(usage.promptTokens, most.promptTokens) || beyond(usage.completionTokens, most.completionTokens);
}

function boundOf(body: ChatBody, size: PromptSize, candidate: Candidate): Counts {
  const choices = typeof body.n === 'number' ? body.n : 1;
  // Where the caller asks for no limit, the model may go to its own.
  const unasked = askedLimit(body) === undefined ? (candidate.maxOutputTokens ?? candidate.contextWindow ?? 0) : 0;
  return {
    promptTokens: inputBound(candidate, size),
    completionTokens: Math.max(candidate.maxTokens, unasked) * choices,
  };
}

/** What one image counts in most models at usual sizes, where the model's record does not say it. */
export const USUAL_TOKENS_OF_AN_IMAGE = 1_600;
/** Of a document whose pages nobody has counted. */
export const USUAL_TOKENS_OF_A_DOCUMENT = 3_000;

/** Characters of a prompt that are counted one by one; more would keep the process busy for too long. */
const MOST_COUNTED_OF_PROMPT = 500_000;

/** Counts prompt and answer with our own tokenizer, the prompt's images by the model's figure, and documents by a usual one. */
export function estimateUsage(body: ChatBody, delivered: readonly string[], tokensPerImage: number | null): Usage {
  const { images, uncounted = 0 } = promptSize(body);
  const [ofText = 0] = estimateTokens([promptText(body)], MOST_COUNTED_OF_PROMPT);
  const seen = images * (tokensPerImage ?? USUAL_TOKENS_OF_AN_IMAGE) + uncounted * USUAL_TOKENS_OF_A_DOCUMENT;
  return {
    ...NO_USAGE,
    promptTokens: ofText + seen,
    completionTokens: delivered.reduce((sum, text) => sum + countTokens(text), 0),
    estimated: true,
  };
}

/** Fields that a provider reads itself: they are no part of the prompt. */
const NOT_IN_PROMPT = new Set([
  ...['model', 'user', 'metadata', 'stop', 'stream_options', 'tool_choice', 'logit_bias', 'modalities', 'audio'],
  ...['service_tier', 'reasoning_effort', 'reasoning', 'thinking', 'verbosity', 'prediction', 'size', 'quality'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'safety_identifier'],
]);

/** Data that is counted in another way, or that stands beside its text. */
const NOT_COUNTED = new Set(['image_url', 'file_data', 'reasoning_details']);

/** Everything in a request that the model reads: messages, tools, schemas, and vendors' fields such as documents. */
export function promptText(body: ChatBody): string {
  const forModel = Object.entries(body).filter(([field, value]) => !NOT_IN_PROMPT.has(field) && isForModel(value));
  const parts = forModel.map(([, value]) => value);
  return JSON.stringify(parts.length === 1 ? parts[0] : parts, (key, value: unknown) =>
    NOT_COUNTED.has(key) ? undefined : value,
  );
}

interface NamedModel {
  readonly providerName: string;
  readonly modelIdentifier: string;
}

export type NoteUsageDoubt = (doubt: UsageDoubt, model: NamedModel, reported: object) => void;

/** @param rule null: the price without a rule, about which there is nothing to say. */
export type NotePriceRule = (model: NamedModel, rule: string | null) => void;

/** Charged as well as the provider's words allow: nothing to settle with it. */
const HARMLESS: ReadonlySet<UsageDoubt> = new Set(['missing', 'unexplained']);

export function createUsageDoubts(registry: Registry, log: Logger): NoteUsageDoubt {
  const doubted = new Counter({
    name: 'provider_usage_doubted_total',
    help: 'Usages of providers that are missing, are no counts, or cannot be true or do not add up',
    labelNames: ['provider', 'doubt'],
    registers: [registry],
  });
  return (doubt, { providerName, modelIdentifier }, reported) => {
    doubted.inc({ provider: providerName, doubt });
    const facts = { provider: providerName, model: modelIdentifier, doubt, reported };
    if (HARMLESS.has(doubt))
      log.info(facts, "a provider's usage was not complete; the call was charged by what is known");
    else log.warn(facts, "a provider's count cannot be true; the call was charged by our own or up to its hold");
  };
}

export function createPriceRuleNotes(registry: Registry, log: Logger): NotePriceRule {
  const applied = new Counter({
    name: 'price_rules_applied_total',
    help: 'Calls that were charged by a rule of their price',
    labelNames: ['provider', 'rule'],
    registers: [registry],
  });
  return ({ providerName, modelIdentifier }, rule) => {
    if (rule === null) return;
    applied.inc({ provider: providerName, rule });
    log.info({ provider: providerName, model: modelIdentifier, rule }, 'a call is charged by a rule of its price');
  };
}
