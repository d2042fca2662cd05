/** Synchronous chat: plan, hold, call, capture. The caller is answered after the capture's COMMIT. */
import type { StoredAnswer } from '../billing/operations/claim.ts';
import { beginCall, type Held } from './begin-call.ts';
import { type ChatRequest, candidatesOf } from './candidates.ts';
import { chargedCall } from './charged-call.ts';
import { deliveredTexts, upstreamBody } from './chat-call.ts';
import { usageOf } from './chat-usage.ts';
import type { CallContext } from './context.ts';
import { type InferenceParts, targetOf } from './parts.ts';
import { planChat } from './plan.ts';

export interface ChatCommand extends ChatRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (outcome: ChatOutcome) => StoredAnswer;
}

/** What every answered call tells its caller; `cost` in nano-units. */
export interface CallOutcome {
  readonly requestId: string;
  readonly modelIdentifier: string;
  readonly providerName: string;
  readonly cost: bigint;
  readonly attempts: number;
  /** The output limit the call was clamped to, when it was. */
  readonly clampedTo: number | undefined;
}

export interface ChatOutcome extends CallOutcome {
  readonly completion: Readonly<Record<string, unknown>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type Reply<Outcome> =
  | { readonly kind: 'answered-now'; readonly outcome: Outcome }
  | { readonly kind: 'answered-before'; readonly answer: StoredAnswer };

export class ChatService {
  readonly #parts: InferenceParts;

  constructor(parts: InferenceParts) {
    this.#parts = parts;
  }

  /**
   * One chat, charged once.
   * @throws {AppError} what the caller may be told: no such model, no balance, the provider's refusal, a time-out.
   */
  async complete(command: ChatCommand, context: CallContext): Promise<Reply<ChatOutcome>> {
    const { models, asked } = candidatesOf(this.#parts.models, command);
    const begun = await beginCall(this.#parts, command, planChat(models, asked), asked, context.requestId);
    if (begun.kind === 'answered-before') return begun;
    const pictures = asked.size.images > 0;
    return { kind: 'answered-now', outcome: await this.#call(command, pictures, begun, context) };
  }

  #call(command: ChatCommand, pictures: boolean, held: Held, context: CallContext): Promise<ChatOutcome> {
    let { body } = command;
    const fetchPictures = async () => {
      body = await this.#parts.requestPictures.ofChat(body, context.signal);
    };
    return chargedCall(this.#parts, {
      held,
      claim: command.claim,
      context,
      output: 'text',
      prepare: pictures ? fetchPictures : undefined,
      call: (candidate, apiKey) => {
        const adapter = this.#parts.chatAdapters[candidate.kind];
        return adapter.complete(targetOf(candidate, apiKey), upstreamBody(body, candidate), context);
      },
      settle: async (answer, { candidate, attempts }) => {
        const delivered = { usage: answer.usage, texts: deliveredTexts(answer.completion) };
        const usage = usageOf(command.body, delivered, candidate, this.#parts.noteUsageDoubt);
        return {
          usage,
          outcomeAt: (cost) => ({
            requestId: held.identity.requestId,
            completion: answer.completion,
            modelIdentifier: candidate.modelIdentifier,
            providerName: candidate.providerName,
            promptTokens: usage.promptTokens,
            completionTokens: usage.completionTokens,
            cost,
            attempts,
            clampedTo: held.plan.clamped ? candidate.maxTokens : undefined,
          }),
          keep: command.keep,
          ...(command.claim ? { answerBytes: JSON.stringify(answer.completion).length } : {}),
        };
      },
    });
  }
}
