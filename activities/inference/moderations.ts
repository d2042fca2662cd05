/** Whether texts and pictures are harmful, as the provider says: free, or paid by the call or by tokens. */
import type { PricedModel } from '../../core/catalog/model.ts';
import { NO_USAGE } from '../../core/ledger/money.ts';
import type { ModerationRequest } from '../../core/providers/provider.ts';
import { readUsage } from '../../core/providers/usage.ts';
import type { CallOutcome, InferenceDeps, Reply, RequestContext } from './charge.ts';
import { type ChargedCommand, chargedCall } from './charged-call.ts';
import { type Plan, unclampablePlan } from './plan.ts';
import { type ModelName, usableModels } from './routing.ts';

export interface ModerationCommand extends ChargedCommand<ModerationOutcome> {
  readonly model: ModelName;
  readonly request: ModerationRequest;
}

export interface ModerationOutcome extends CallOutcome {
  /** As the provider gave it. */
  readonly answer: Readonly<Record<string, unknown>>;
}

export class ModerationService {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} what the caller may know. */
  async moderate(command: ModerationCommand, caller: RequestContext): Promise<Reply<ModerationOutcome>> {
    const { models, moderationAdapters } = this.#deps;
    const { request } = command;
    return chargedCall<ModerationOutcome['answer'], ModerationOutcome>(
      this.#deps,
      command,
      planModeration(usableModels(models, command, 'moderation'), request),
      {
        output: 'moderation',
        call: ({ kind }, target, context) => moderationAdapters[kind].moderate(target, request, context),
        usage: ({ usage }) => ({ ...NO_USAGE, promptTokens: readUsage(usage)?.promptTokens ?? 0 }),
        outcome: (call, answer) => ({ ...call, answer }),
        keptBytes: (answer) => JSON.stringify(answer).length,
      },
      caller,
    );
  }
}

function planModeration(models: readonly PricedModel[], { input }: ModerationRequest): Plan {
  return unclampablePlan(models, () => Buffer.byteLength(JSON.stringify(input)), {});
}
