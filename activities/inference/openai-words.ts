/** An answer in OpenAI's words, whichever words its vendor has: the model as it was asked for, and why a choice ended. */
import { moneyJson } from '../../core/ledger/money.ts';
import { finishReasonInOpenAiWords } from '../../core/providers/finish-reasons.ts';
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import type { CallOutcome } from './charge.ts';

/** What was charged, and for what. */
export type Charged = Pick<CallOutcome, 'cost' | 'priceRule' | 'usage'>;

/** Whether answers state their cost, and in which currency. */
export interface CostShown {
  readonly currency: string;
}

/** As OpenRouter's clients read it; nothing unless it is shown. */
export function costInWords({ cost, priceRule }: Charged, shown: CostShown | undefined): Json {
  if (shown === undefined) return {};
  const rule = priceRule === null ? {} : { price_rule: priceRule };
  return { cost: moneyJson(cost), cost_details: { currency: shown.currency, ...rule } };
}

export function completionInOpenAiWords(completion: Json, model: string, usage: Json): Json {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  return { ...completion, model, choices: choices.map(choiceInOpenAiWords), usage };
}

/** With the counts that were charged, the vendor's own further fields, and such details as clients can read. */
export function usageInOpenAiWords(said: unknown, charged: Charged, shown: CostShown | undefined): Json {
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens } = charged.usage;
  const vendors = isJsonObject(said) ? said : {};
  // A reseller's own cost is what the operator pays.
  const kept = Object.entries(vendors).filter(
    ([name, value]) => !name.startsWith('cost') && (!name.endsWith('_details') || isJsonObject(value)),
  );
  const details = (name: string) => (isJsonObject(vendors[name]) ? vendors[name] : {});
  return {
    ...Object.fromEntries(kept),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: {
      ...details('prompt_tokens_details'),
      cached_tokens: cachedTokens,
      cache_write_tokens: cacheWriteTokens,
    },
    completion_tokens_details: { ...details('completion_tokens_details'), reasoning_tokens: reasoningTokens },
    ...costInWords(charged, shown),
  };
}

/** A chunk for the usage alone. @param completion what the stream has said. */
export function usageChunk(completion: Json, model: string, usage: Json): Json {
  const { id, created } = completion;
  return { id, object: 'chat.completion.chunk', created, model, choices: [], usage };
}

function choiceInOpenAiWords(choice: unknown): unknown {
  if (!isJsonObject(choice) || typeof choice.finish_reason !== 'string' || choice.finish_reason === '') return choice;
  return { ...choice, finish_reason: finishReasonInOpenAiWords(choice.finish_reason) };
}

/** Inside a text of the answer quotes are escaped, so these find members only. */
const MODEL = /"model"\s*:\s*(?:"(?:[^"\\]|\\.)*"|null)/;
const FINISH_REASON = /"finish_reason"\s*:\s*"([^"\\]+)"/g;

/** @param data JSON text of a chunk, which is changed as text: parsing and writing each one anew costs far more. */
export function chunkInOpenAiWords(data: string, model: string): string {
  return data
    .replace(MODEL, () => `"model":${JSON.stringify(model)}`)
    .replace(FINISH_REASON, (_, word: string) => `"finish_reason":"${finishReasonInOpenAiWords(word)}"`);
}
