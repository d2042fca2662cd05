/** A chat job's provider call. It reads a stream, so that a cancelled job is charged by what it had produced. */
import { z } from 'zod';
import { CompletionAssembler } from '../inference/assemble.ts';
import { runAttempts } from '../inference/attempts.ts';
import { estimateUsage, upstreamBody, usageOf } from '../inference/chat-call.ts';
import { chatBodyOf } from '../inference/chat-input.ts';
import { chatReply } from '../inference/chat-reply.ts';
import type { CallContext } from '../inference/context.ts';
import { type InferenceParts, targetOf } from '../inference/parts.ts';
import type { Candidate } from '../inference/plan.ts';
import { nothingDelivered } from '../inference/providers/failure.ts';
import { reportedUsage } from '../inference/providers/openai/usage.ts';
import type { ChatBody } from '../inference/providers/provider.ts';
import type { Perform, Performed } from './job-run.ts';
import { plannedCandidates } from './planned-candidates.ts';

/** What POST /v1/async/chat stored; checked there, read again here. */
const storedChatSchema = z.looseObject({
  userMessage: z.string().optional(),
  history: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
  images: z.array(z.object({ base64: z.string().optional(), url: z.string().optional() })).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
});

/** Tells an operator how far a long answer is, without a heartbeat for every chunk. */
const HEARTBEAT_CHUNKS = 50;

export function createChatPerformer(parts: InferenceParts): Perform {
  return async (work, run, context) => {
    const asked = chatBodyOf(storedChatSchema.parse(work.request));
    const body = await parts.requestPictures.ofChat(asked, context.signal);
    const candidates = await plannedCandidates(parts, work.plan);
    const assembler = { current: new CompletionAssembler() };
    const called: { candidate?: Candidate; keyId?: number } = {};
    const startedAt = performance.now();
    let ttftMs: number | null = null;
    const collect = async (candidate: Candidate, apiKey: string): Promise<void> => {
      assembler.current = new CompletionAssembler();
      const stream = await openStream(parts, candidate, apiKey, body, context);
      let chunks = 0;
      for await (const data of stream) {
        ttftMs ??= performance.now() - startedAt;
        assembler.current.add(data);
        chunks += 1;
        if (chunks % HEARTBEAT_CHUNKS === 0)
          context.heartbeat(`receiving from ${candidate.modelIdentifier}: ${chunks} chunks`);
      }
      if (assembler.current.isEmpty) throw nothingDelivered();
    };
    const performed = (candidate: Candidate, keyId: number, attempts: number, cut: boolean): Performed =>
      performedOf(work.id, body, assembler.current, { candidate, keyId, attempts, cut, ttftMs });
    try {
      const { candidate, key, attempts } = await runAttempts({
        candidates,
        pool: parts.keys,
        budget: parts.retries,
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

function openStream(parts: InferenceParts, candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext) {
  const adapter = parts.chatAdapters[candidate.kind];
  return adapter.stream(targetOf(candidate, apiKey), upstreamBody(body, candidate), context);
}

function performedOf(
  requestId: string,
  body: ChatBody,
  assembler: CompletionAssembler,
  call: { candidate: Candidate; keyId: number; attempts: number; cut: boolean; ttftMs: number | null },
): Performed {
  const completion = assembler.completion();
  const usage = call.cut
    ? estimateUsage(body, assembler.texts())
    : usageOf(body, { completion, usage: reportedUsage(completion.usage) });
  return {
    served: call.candidate,
    usage,
    providerKeyId: call.keyId,
    attempts: call.attempts,
    ttftMs: call.ttftMs,
    cut: call.cut,
    result: (cost) =>
      JSON.stringify(
        chatReply({
          requestId,
          completion,
          modelIdentifier: call.candidate.modelIdentifier,
          promptTokens: usage.promptTokens,
          completionTokens: usage.completionTokens,
          cost,
        }),
      ),
  };
}
