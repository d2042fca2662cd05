/**
 * How many tokens a prompt has, for clients that decide by it when to shorten a conversation. Free, and outside of all
 * limits: coding agents ask dozens of times when they start. Anthropic counts its own, for free too; everything else, and
 * what it does not answer at once, is estimated here.
 */
import { setImmediate } from 'node:timers/promises';
import type { AccessKeyCaller } from '../../../core/accounts/caller.ts';
import type { PricedModel } from '../../../core/catalog/model.ts';
import type { ChatBody } from '../../../core/providers/provider.ts';
import type { Logger } from '../../../infra/logger.ts';
import { estimateTokensInTurns } from '../../../infra/tokens.ts';
import { type InferenceDeps, targetOf } from '../charge.ts';
import type { NativeAdapters, NativeChat } from '../native.ts';
import { unaskedLimit } from '../plan.ts';
import { usableModels } from '../routing.ts';
import { promptText, USUAL_TOKENS_OF_A_DOCUMENT, USUAL_TOKENS_OF_AN_IMAGE } from '../usage.ts';

/** Longer a client would not wait at its start. */
const PATIENCE_MS = 3_000;
/** Calls of providers that run at once, of one access key and in this process; what is above them is estimated. */
const MOST_OF_A_KEY = 50;
const MOST_AT_ONCE = 200;

interface Prompt {
  readonly model: string | undefined;
  readonly body: ChatBody;
  /** The same in the client's form. */
  readonly native: NativeChat;
}

export type CountTokens = (prompt: Prompt, caller: AccessKeyCaller, log: Logger) => Promise<number>;

interface CountDeps extends Pick<InferenceDeps, 'models' | 'keys'> {
  readonly nativeAdapters: Pick<NativeAdapters, 'messages'>;
}

export function createTokenCount(deps: CountDeps): CountTokens {
  const places = new Places();
  return async (input, caller, log) => {
    const model = input.model === undefined ? {} : { identifier: input.model };
    const { images, uncounted = 0 } = input.native.size;
    const capability = images + uncounted > 0 ? 'image-to-text' : 'text-to-text';
    const [first] = usableModels(deps.models, { caller, model }, capability);
    const isCounted = first?.kind === 'anthropic' && input.native.form === 'messages';
    const ask = () => (isCounted ? countedByProvider(deps, first, input, log) : undefined);
    return (await places.use(caller.accessKeyId, ask)) ?? estimate(input, first);
  };
}

/** Of calls that nobody pays for. */
class Places {
  readonly #ofKey = new Map<number, number>();
  #all = 0;

  /** @returns undefined, at once, when there is no place. */
  async use<Result>(accessKeyId: number, work: () => Promise<Result> | undefined): Promise<Result | undefined> {
    const taken = this.#ofKey.get(accessKeyId) ?? 0;
    if (taken >= MOST_OF_A_KEY || this.#all >= MOST_AT_ONCE) return undefined;
    this.#add(accessKeyId, 1);
    try {
      return await work();
    } finally {
      this.#add(accessKeyId, -1);
    }
  }

  #add(accessKeyId: number, change: number): void {
    const taken = (this.#ofKey.get(accessKeyId) ?? 0) + change;
    if (taken === 0) this.#ofKey.delete(accessKeyId);
    else this.#ofKey.set(accessKeyId, taken);
    this.#all += change;
  }
}

/** What comes of it says nothing of the key: these calls have limits of their own. */
async function countedByProvider(
  { keys, nativeAdapters }: CountDeps,
  model: PricedModel,
  { native }: Prompt,
  log: Logger,
): Promise<number | undefined> {
  const key = keys.pick(model, new Set());
  if (key === undefined) return undefined;
  try {
    const target = targetOf({ ...model, maxTokens: unaskedLimit(model) }, key.apiKey);
    return await nativeAdapters.messages.count?.(target, native, AbortSignal.timeout(PATIENCE_MS));
  } catch (err) {
    log.info({ err, provider: model.providerName }, 'a provider did not count tokens; they are estimated');
    return undefined;
  } finally {
    keys.report(key, { kind: 'failure', failure: 'cancelled' });
  }
}

/** Reading a prompt of 15 MB and writing it out as one text take some 40 ms each, so others have their turn in between. */
async function estimate({ body, native }: Prompt, model: PricedModel | undefined): Promise<number> {
  await setImmediate();
  const ofText = await estimateTokensInTurns(promptText(body));
  const { images, uncounted = 0 } = native.size;
  const ofImages = images * (model?.tokensPerImage ?? USUAL_TOKENS_OF_AN_IMAGE);
  return ofText + ofImages + uncounted * USUAL_TOKENS_OF_A_DOCUMENT;
}
