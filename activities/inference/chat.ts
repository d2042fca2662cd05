/** Synchronous chat: plan, then one charge around the call. The caller is answered after the capture's COMMIT. */
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { CallContext } from '../../core/providers/context.ts';
import { type ChatRequest, candidatesOf } from './candidates.ts';
import { type CallOutcome, openCharge, type Reply } from './charge.ts';
import { deliveredTexts, upstreamBody } from './chat-call.ts';
import { usageOf } from './chat-usage.ts';
import { type InferenceDeps, targetOf } from './deps.ts';
import { planChat } from './plan.ts';

export interface ChatCommand extends ChatRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (outcome: ChatOutcome) => StoredAnswer;
}

export interface ChatOutcome extends CallOutcome {
  readonly completion: Readonly<Record<string, unknown>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export class ChatService {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /**
   * One chat, charged once.
   * @throws {AppError} what the caller may be told: no such model, no balance, the provider's refusal, a time-out.
   */
  async complete(command: ChatCommand, context: CallContext): Promise<Reply<ChatOutcome>> {
    const { models, requestPictures, chatAdapters, noteUsageDoubt } = this.#deps;
    const { models: candidates, asked } = candidatesOf(models, command);
    const plan = planChat(candidates, asked);
    const charge = await openCharge(this.#deps, command, plan, asked, context.requestId);
    if (charge.kind === 'answered-before') return charge;
    return charge.orRelease(async () => {
      const pictures = asked.size.images > 0;
      const body = pictures ? await requestPictures.ofChat(command.body, context.signal) : command.body;
      const answer = await charge.attempts({ output: 'text' }, context, (candidate, apiKey) =>
        chatAdapters[candidate.kind].complete(targetOf(candidate, apiKey), upstreamBody(body, candidate), context),
      );
      const { completion } = answer;
      const delivered = { usage: answer.usage, texts: deliveredTexts(completion) };
      const usage = usageOf(command.body, delivered, charge.served.candidate, noteUsageDoubt);
      const { promptTokens, completionTokens } = usage;
      const outcome = await charge.capture(usage, (told) => ({ ...told, completion, promptTokens, completionTokens }), {
        // Only a keyed answer is kept, so only then its length is of interest.
        keep: command.claim && command.keep && { answer: command.keep, bytes: JSON.stringify(completion).length },
      });
      return { kind: 'answered-now', outcome };
    });
  }
}
