/** One small real call to a provider, for administrators who want to know whether a key or a model works. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Capability } from '../../core/catalog/model.ts';
import type { Probe, ProbeResult, ProbeTarget } from '../../core/catalog/probe.ts';
import { requireAnswer } from '../../core/providers/completion.ts';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import { fitChat } from '../../core/providers/fit.ts';
import type { ModelNeeds } from '../../core/providers/needs.ts';
import type { CallContext, ChatBody } from '../../core/providers/provider.ts';
import type { Adapters } from '../../core/providers/vendors.ts';
import { withoutKey } from '../../infra/secrets.ts';
import { answerTexts, deliveredTexts } from './chat.ts';
import { estimateUsage } from './usage.ts';

const PROBE_TOKENS = 16;
/** A thinking model spends some before it answers, and some vendors refuse a request whose limit ends its thought. */
const PROBE_TOKENS_OF_THINKERS = 1_024;
const ANSWER_LENGTH = 200;
const MESSAGES = [{ role: 'user', content: 'Say ok.' }];

type ProbeAdapters = Pick<Adapters, 'chat' | 'embedding' | 'rerank'>;

/** Nothing is charged: the call is the operator's own. */
export function createProbe(adapters: ProbeAdapters, log: Logger): Probe {
  return async (target, capability, signal) => {
    const started = performance.now();
    const latencyMs = () => Math.round(performance.now() - started);
    const call = CALLS[capability];
    if (call === undefined) return { ok: false, latencyMs: 0, error: `a test call for ${capability} is not available` };
    try {
      const context = { signal, heartbeat: () => undefined, log: () => log, requestId: randomUUID() };
      const answered = await call(adapters, target, context);
      return { ok: true, latencyMs: latencyMs(), ...answered };
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

type ProbeCall = (
  adapters: ProbeAdapters,
  target: ProbeTarget,
  context: CallContext,
) => Promise<Pick<ProbeResult, 'usage' | 'answer'>>;

const askChat: ProbeCall = async ({ chat }, target, context) => {
  const body = bodyFor(target.needs);
  const answer = await chat[target.kind].complete(target, body, context);
  requireAnswer(answer.completion, body);
  const counted = answer.usage?.impossible === null ? answer.usage : undefined;
  const { promptTokens, completionTokens } = counted ?? estimateUsage(body, deliveredTexts(answer.completion), null);
  return {
    usage: { promptTokens, completionTokens, imageCount: 0 },
    answer: withoutKey(answerTexts(answer.completion)[0] ?? '', target.apiKey).slice(0, ANSWER_LENGTH),
  };
};

const askEmbedding: ProbeCall = async ({ embedding }, target, context) => {
  const request = { input: 'ok', encoding: 'float', extra: {} } as const;
  const { list, usage } = await embedding[target.kind].embed(target, request, context);
  return {
    usage: { promptTokens: usage?.promptTokens ?? 1, completionTokens: 0, imageCount: 0 },
    answer: withoutKey(JSON.stringify(list.data), target.apiKey).slice(0, ANSWER_LENGTH),
  };
};

const askRanking: ProbeCall = async ({ rerank }, target, context) => {
  const request = { query: 'ok', documents: ['ok'], topN: undefined, extra: {} };
  const { ranked, usage } = await rerank[target.kind].rerank(target, request, context);
  return {
    usage: { promptTokens: usage?.promptTokens ?? 2, completionTokens: 0, imageCount: 0 },
    answer: JSON.stringify(ranked),
  };
};

const CALLS: Readonly<Partial<Record<Capability, ProbeCall>>> = {
  'text-to-text': askChat,
  'image-to-text': askChat,
  'text-to-embedding': askEmbedding,
  rerank: askRanking,
};

/** With as little thought as the model can do with. */
function bodyFor(needs: ModelNeeds): ChatBody {
  const { thinkingSwitch } = needs;
  const thinks = thinkingSwitch !== undefined;
  const asked = { messages: MESSAGES, ...(thinks ? { reasoning_effort: 'none' } : {}) };
  return fitChat(asked, needs, { streamed: false, limit: thinks ? PROBE_TOKENS_OF_THINKERS : PROBE_TOKENS }).body;
}
