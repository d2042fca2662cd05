/**
 * What a chat used: the provider's own count where it can be true, or ours of what was delivered; and counts that
 * cannot be true, which the operator has to settle with the provider.
 */
import { Counter, type Registry } from 'prom-client';
import type { Usage } from '../../core/ledger/money.ts';
import type { ChatBody, ReportedUsage } from '../../core/providers/provider.ts';
import type { Logger } from '../../infra/logger.ts';
import { countTokens } from '../../infra/tokens.ts';
import { type Candidate, inputBound, promptSize } from './plan.ts';

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
 * The provider's usage. Our own count, marked as estimated, in place of one that is missing or none, that counts no
 * answer where there was one, or that is far beyond what the call may take and what was delivered.
 */
export function usageOf(
  body: ChatBody,
  { usage, texts }: DeliveredChat,
  candidate: Candidate,
  noteDoubt: NoteUsageDoubt,
): Usage {
  if (!usage) return estimateUsage(body, texts);
  if ('impossible' in usage) {
    noteDoubt('impossible', candidate, usage);
    return estimateUsage(body, texts);
  }
  if (usage.completionTokens === 0 && texts.some((text) => text !== '')) {
    noteDoubt('too-small', candidate, usage);
    return estimateUsage(body, texts);
  }
  if (isFarBeyond(usage, boundOf(body, candidate))) {
    const estimate = estimateUsage(body, texts);
    if (isFarBeyond(usage, estimate)) {
      noteDoubt('too-large', candidate, usage);
      return estimate;
    }
  }
  return { ...usage, imageCount: 0, estimated: false };
}

type Counts = Pick<Usage, 'promptTokens' | 'completionTokens'>;

/** True for a count that cannot be true of a call which may take at most so much. */
export function isFarBeyond(usage: Counts, most: Counts): boolean {
  const beyond = (count: number, bound: number) => count > BELIEVED_TIMES * bound + BELIEVED_MORE;
  return beyond(usage.promptTokens, most.promptTokens) || beyond(usage.completionTokens, most.completionTokens);
}

function boundOf(body: ChatBody, candidate: Candidate): Counts {
  const choices = typeof body.n === 'number' ? body.n : 1;
  return {
    promptTokens: inputBound(candidate, promptSize(body)),
    completionTokens: candidate.maxTokens * choices,
  };
}

/** Counts prompt and answer with our own tokenizer. */
export function estimateUsage(body: ChatBody, delivered: readonly string[]): Usage {
  return {
    promptTokens: countTokens(promptText(body)),
    cachedTokens: 0,
    cacheWriteTokens: 0,
    completionTokens: delivered.reduce((sum, text) => sum + countTokens(text), 0),
    imageCount: 0,
    estimated: true,
  };
}

function promptText(body: ChatBody): string {
  return JSON.stringify(body.messages, (key, value: unknown) => (key === 'image_url' ? undefined : value));
}

/** A count of nothing where something was delivered, one far beyond what the call may take, or what is no count. */
export type UsageDoubt = 'too-small' | 'too-large' | 'impossible';

export type NoteUsageDoubt = (
  doubt: UsageDoubt,
  model: { readonly providerName: string; readonly modelIdentifier: string },
  reported: object,
) => void;

export function createUsageDoubts(registry: Registry, log: Logger): NoteUsageDoubt {
  const doubted = new Counter({
    name: 'provider_usage_doubted_total',
    help: 'Counts of providers that cannot be true, in place of which the gateway charged its own',
    labelNames: ['provider', 'doubt'],
    registers: [registry],
  });
  return (doubt, { providerName, modelIdentifier }, reported) => {
    doubted.inc({ provider: providerName, doubt });
    const facts = { provider: providerName, model: modelIdentifier, doubt, reported };
    log.warn(facts, "a provider's count cannot be true; the call is charged by our own");
  };
}
