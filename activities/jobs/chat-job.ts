/**
 * A chat job's provider call. It reads a stream, so that a cancelled job is charged by what it had produced. The prompt
 * is paid for from the call on, so a cancel never cuts a call before its first words have come.
 */
import { answerIdOf, askedInChat, withContext } from '../../core/conversations/turn.ts';
import { nothingDelivered } from '../../core/providers/failure.ts';
import type { CallContext, ChatBody } from '../../core/providers/provider.ts';
import { runAttempts } from '../inference/attempts.ts';
import { type InferenceDeps, targetOf } from '../inference/charge.ts';
import { chatReply, type KeptAs } from '../inference/chat.ts';
import { chatBodyOf } from '../inference/chat-request.ts';
import { requestFor } from '../inference/fit.ts';
import { type Candidate, promptSize } from '../inference/plan.ts';
import { CompletionAssembler } from '../inference/stream-events.ts';
import { usageOf } from '../inference/usage.ts';
import type { JobAnswer, JobHandler, RunContext } from './job-handler.ts';
import { plannedCandidates } from './planned-candidates.ts';
import { resultText } from './result-bound.ts';
import { storedChatSchema } from './stored-chat.ts';

/** Tells an operator how far a long answer is, without a heartbeat for every chunk. */
const HEARTBEAT_CHUNKS = 50;

export function createChatJobHandler(deps: InferenceDeps): JobHandler {
  return async (work, run, context) => {
    const stored = storedChatSchema.parse(await work.request());
    const { turn } = work.plan;
    const asked = chatBodyOf(stored);
    const told = turn ? { ...asked, messages: withContext(asked.messages, turn.context) } : asked;
    // Pictures may have to be fetched, which takes long; otherwise the job is taken up with its first call.
    if (promptSize(told).images > 0) await run.begin();
    const body = await deps.requestImages.ofChat(told, context.signal);
    const messageId = answerIdOf(work.id, askedInChat(stored));
    const keptAs = turn && { conversationId: turn.conversationId, messageId };
    const candidates = await plannedCandidates(deps, work.plan);
    const assembler = { current: new CompletionAssembler() };
    const called: { candidate?: Candidate; keyId?: number } = {};
    const startedAt = performance.now();
    let ttftMs: number | null = null;
    const collect = async (candidate: Candidate, apiKey: string): Promise<void> => {
      const heard = new CompletionAssembler();
      assembler.current = heard;
      const cut = cutOnceHeard(heard, context);
      try {
        const stream = await openStream(deps, candidate, apiKey, body, { ...context, signal: cut.signal });
        let chunks = 0;
        for await (const data of stream) {
          ttftMs ??= performance.now() - startedAt;
          heard.add(data);
          cut.check();
          chunks += 1;
          if (chunks % HEARTBEAT_CHUNKS === 0)
            context.heartbeat(`receiving from ${candidate.modelIdentifier}: ${chunks} chunks`);
        }
      } finally {
        cut.stop();
      }
      if (heard.isEmpty) throw nothingDelivered();
    };
    const performed = (candidate: Candidate, keyId: number, attempts: number, cut: boolean): JobAnswer =>
      answerOf(deps, work.id, body, assembler.current, { candidate, keyId, attempts, cut, ttftMs, keptAs });
    try {
      const { candidate, key, attempts } = await runAttempts({
        candidates,
        output: 'text',
        pool: deps.keys,
        budget: deps.retries,
        signal: context.signal,
        log: context.log,
        call: async (target) => {
          await run.count(target.candidate, target.key.id);
          Object.assign(called, { candidate: target.candidate, keyId: target.key.id });
          await collect(target.candidate, target.key.apiKey);
        },
      });
      return performed(candidate, key.id, attempts, false);
    } catch (error) {
      const { candidate, keyId } = called;
      if (!context.isCancelled() || assembler.current.isEmpty || !candidate || keyId === undefined) throw error;
      return performed(candidate, keyId, 1, true);
    }
  };
}

/** A signal that aborts when the run stops, and for a cancel as soon as anything has been heard. */
function cutOnceHeard(heard: CompletionAssembler, { signal, stopped }: RunContext) {
  const cut = new AbortController();
  const check = () => {
    if (signal.aborted && !heard.isEmpty) cut.abort();
  };
  signal.addEventListener('abort', check, { once: true });
  return {
    signal: AbortSignal.any([stopped, cut.signal]),
    check,
    stop: () => signal.removeEventListener('abort', check),
  };
}

function openStream(deps: InferenceDeps, candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext) {
  const adapter = deps.chatAdapters[candidate.kind];
  const fitted = requestFor(candidate, body, true);
  deps.noteFits(candidate, fitted.fits);
  return adapter.stream(targetOf(candidate, apiKey), fitted.body, context);
}

function answerOf(
  deps: InferenceDeps,
  requestId: string,
  body: ChatBody,
  assembler: CompletionAssembler,
  call: {
    candidate: Candidate;
    keyId: number;
    attempts: number;
    cut: boolean;
    ttftMs: number | null;
    keptAs: KeptAs | undefined;
  },
): JobAnswer {
  const completion = assembler.completion();
  const texts = assembler.texts();
  const delivered = { usage: assembler.usage(), texts };
  // That a call which we cut was not counted to its end is nothing to tell of its provider.
  const noteDoubt = call.cut ? () => undefined : deps.noteUsageDoubt;
  const usage = usageOf(body, delivered, call.candidate, noteDoubt);
  return {
    served: call.candidate,
    usage,
    providerKeyId: call.keyId,
    attempts: call.attempts,
    ttftMs: call.ttftMs,
    cut: call.cut,
    result: (cost) =>
      resultText(
        chatReply(
          {
            requestId,
            completion,
            modelIdentifier: call.candidate.modelIdentifier,
            promptTokens: usage.promptTokens,
            completionTokens: usage.completionTokens,
            cost,
          },
          call.cut ? undefined : call.keptAs,
        ),
      ),
  };
}
