/** One small real call to a provider, for administrators who want to know whether a key or a model works. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Probe } from '../../core/catalog/probe.ts';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import { fitChat } from '../../core/providers/fit.ts';
import type { ModelNeeds } from '../../core/providers/needs.ts';
import type { ChatAdapter, ChatBody, ProviderKind } from '../../core/providers/provider.ts';
import { withoutKey } from '../../infra/secrets.ts';
import { answerTexts, deliveredTexts } from './chat.ts';
import { estimateUsage } from './usage.ts';

const PROBE_TOKENS = 16;
/** A thinking model spends some before it answers, and some vendors refuse a request whose limit ends its thought. */
const PROBE_TOKENS_OF_THINKERS = 1_024;
const ANSWER_LENGTH = 200;
const MESSAGES = [{ role: 'user', content: 'Say ok.' }];

/** Nothing is charged: the call is the operator's own. */
export function createProbe(chatAdapters: Readonly<Record<ProviderKind, ChatAdapter>>, log: Logger): Probe {
  return async (target, capability, signal) => {
    const started = performance.now();
    const latencyMs = () => Math.round(performance.now() - started);
    if (capability !== 'text-to-text' && capability !== 'image-to-text') {
      return { ok: false, latencyMs: 0, error: `a test call for ${capability} is not available` };
    }
    try {
      const context = { signal, heartbeat: () => undefined, log, requestId: randomUUID() };
      const body = bodyFor(target.needs);
      const answer = await chatAdapters[target.kind].complete(target, body, context);
      const counted = answer.usage?.impossible === null ? answer.usage : undefined;
      const { promptTokens, completionTokens } =
        counted ?? estimateUsage(body, deliveredTexts(answer.completion), null);
      return {
        ok: true,
        latencyMs: latencyMs(),
        usage: { promptTokens, completionTokens, imageCount: 0 },
        answer: withoutKey(answerTexts(answer.completion)[0] ?? '', target.apiKey).slice(0, ANSWER_LENGTH),
      };
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      const { message, failure, details } = error;
      const { retryAfterMs } = details;
      return {
        ok: false,
        latencyMs: latencyMs(),
        error: message,
        failure,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      };
    }
  };
}

/** With as little thought as the model can do with. */
function bodyFor(needs: ModelNeeds): ChatBody {
  const { thinkingSwitch } = needs;
  const thinks = thinkingSwitch !== undefined;
  const asked = { messages: MESSAGES, ...(thinks ? { reasoning_effort: 'none' } : {}) };
  return fitChat(asked, needs, { streamed: false, limit: thinks ? PROBE_TOKENS_OF_THINKERS : PROBE_TOKENS }).body;
}
