/**
 * Chat jobs: the provider call, and the turn of a kept conversation after it. The call reads a stream, so that a
 * cancelled job is charged by what it had produced. The prompt must be paid for once the call is made, so a cancel
 * never cuts a call before its first words.
 */
import { z } from 'zod';
import { answerIdOf, askedInChat, withContext } from '../../core/conversations/turn.ts';
import type { Turns } from '../../core/conversations/turns.ts';
import { CompletionAssembler } from '../../core/providers/completion.ts';
import type { ChatBody, ChatChunk } from '../../core/providers/provider.ts';
import type { JsonObject as Json } from '../../infra/json-object.ts';
import { column } from '../../infra/mysql/rows.ts';
import { affinityOf } from '../inference/affinity.ts';
import { type InferenceDeps, targetOf } from '../inference/charge.ts';
import { chatReply } from '../inference/chat.ts';
import { chatBodyOf } from '../inference/chat-request.ts';
import { inClientPaths } from '../inference/client-paths.ts';
import { withKeptFiles } from '../inference/kept-files.ts';
import { ableToHear, type NativeChat, nativeWay } from '../inference/native.ts';
import type { Charged, CostShown } from '../inference/openai-words.ts';
import { type Candidate, promptSize } from '../inference/plan.ts';
import { responseOf } from '../inference/responses/responses.ts';
import { usageOf } from '../inference/usage.ts';
import type { HeldByRuns } from './held-by-runs.ts';
import type { JobHandler, RunContext } from './job-handler.ts';
import type { AfterEnd } from './job-run.ts';
import { responseRequestOf, responseResult } from './response-jobs.ts';
import { resultText } from './result-bound.ts';
import type { JobStore, JobWork } from './store.ts';

/** The request as POST /v1/async/chat has checked and stored it. */
const storedChatSchema = z.looseObject({
  userMessage: z.string().optional(),
  history: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
  images: z.array(z.object({ base64: z.string().optional(), url: z.string().optional() })).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
});

/** Shows operators how far a long answer is, without a heartbeat for every chunk. */
const HEARTBEAT_CHUNKS = 50;

export function createChatJobHandler(deps: InferenceDeps, held: HeldByRuns, shown: CostShown | undefined): JobHandler {
  return (work, charge, context) =>
    held.during(async (room) => {
      const { prompt, native: asked, resultOf } = storedChat(await work.request(), work, shown);
      // Fetching images takes long, so the run enters before it; otherwise it enters with its first call.
      if (promptSize(prompt).images > 0) await charge.begin();
      const read = await withKeptFiles({ body: prompt, native: asked }, deps.readKeptFile, {
        userId: work.userId,
        room,
      });
      const { native } = read;
      const body = await deps.requestImages.ofChat(read.body, context.signal, room).catch((error: unknown) => {
        throw inClientPaths(error, native?.paths);
      });
      const texts = await deps.findKeptTexts({ body: prompt, native: asked }, work.userId);
      const candidates = ableToHear(await charge.candidates(), { native: asked, body: prompt, texts });
      const answer = new StreamedAnswer();
      let cut = false;
      try {
        await charge.attempts(
          candidates,
          { output: 'text', affinity: () => affinityOf({ caller: work, body }) },
          async (candidate, apiKey) => {
            const untilCut = cutOnceHeard(answer.restart(), context);
            const way = nativeWay(deps.nativeAdapters, candidate, native, 'streamed');
            try {
              const target = targetOf(candidate, apiKey);
              const calling = { ...context, signal: untilCut.signal };
              const sent = way && native ? body : charge.fitted(candidate, body);
              const stream =
                way && native
                  ? await way.stream(target, charge.fittedNative(candidate, body, native, way), calling)
                  : await deps.chatAdapters[candidate.kind].stream(target, sent, calling);
              answer.isNative = way !== undefined;
              await answer.read(stream, untilCut.check, (chunks) => {
                context.heartbeat(`receiving from ${candidate.modelIdentifier}: ${chunks} chunks`);
              });
              answer.heard.requireAnswer(sent);
            } catch (error) {
              throw way ? error : inClientPaths(error, native?.paths);
            } finally {
              untilCut.stop();
            }
          },
        );
      } catch (error) {
        cut = context.isCancelled() && answer.heard.hasSaid;
        if (!cut) throw error;
      }
      const served = charge.lastCall?.candidate;
      if (!served) throw new Error('a chat was answered by nobody');
      const completion = answer.heard.completion();
      const delivered = { usage: answer.heard.usage(), texts: answer.heard.texts() };
      // A call that we cut ourselves has no final count; that raises no doubt about the provider.
      const usage = usageOf(body, delivered, served, cut ? () => undefined : deps.noteUsageDoubt, native?.size);
      const lastEvent = cut || !answer.isNative ? undefined : answer.lastData;
      return {
        usage,
        measured: { ttftMs: answer.ttftMs },
        cut,
        result: (cost, priceRule) => resultOf({ completion, native: lastEvent, usage, cost, priceRule, served, cut }),
      };
    });
}

interface ChatOfJob {
  readonly prompt: ChatBody;
  /** The same as it may be passed on. */
  readonly native?: NativeChat;
  /** As it is kept in the job's row. */
  readonly resultOf: (answered: AnsweredJob) => string;
}

interface AnsweredJob extends Charged {
  readonly completion: Json;
  readonly native: string | undefined;
  readonly served: Candidate;
  readonly cut: boolean;
}

/** A stored request in whichever form it was asked for. */
function storedChat(request: unknown, { id, plan }: JobWork, shown: CostShown | undefined): ChatOfJob {
  const response = responseRequestOf(request);
  if (response) {
    return {
      prompt: response.asked.body,
      native: response.asked.native,
      resultOf: ({ served, ...answered }) =>
        responseResult(
          responseOf(response.input, { ...answered, requestId: id, modelIdentifier: served.modelIdentifier }, shown),
        ),
    };
  }
  const stored = storedChatSchema.parse(request);
  const { turn } = plan;
  const asked = chatBodyOf(stored);
  const keptAs = turn && { conversationId: turn.conversationId, messageId: answerIdOf(id, askedInChat(stored)) };
  return {
    prompt: turn ? { ...asked, messages: withContext(asked.messages, turn.context) } : asked,
    resultOf: ({ completion, usage, cost, priceRule, served, cut }) => {
      const { promptTokens, completionTokens } = usage;
      const { modelIdentifier } = served;
      const reply = { requestId: id, completion, modelIdentifier, promptTokens, completionTokens, cost, priceRule };
      return resultText(chatReply(reply, cut ? undefined : keptAs));
    },
  };
}

/** The answer so far; each attempt starts from nothing. */
class StreamedAnswer {
  heard = new CompletionAssembler();
  ttftMs: number | null = null;
  isNative = false;
  lastData: string | undefined;
  readonly #startedAt = performance.now();

  restart(): CompletionAssembler {
    this.heard = new CompletionAssembler();
    return this.heard;
  }

  /** @param heardMore after each chunk. @throws {UpstreamFailure} */
  async read(
    stream: AsyncIterable<ChatChunk>,
    heardMore: () => void,
    progress: (chunks: number) => void,
  ): Promise<void> {
    let chunks = 0;
    for await (const chunk of stream) {
      this.heard.addChunk(chunk);
      this.lastData = chunk.data;
      if (this.heard.hasSaid) this.ttftMs ??= performance.now() - this.#startedAt;
      heardMore();
      chunks += 1;
      if (chunks % HEARTBEAT_CHUNKS === 0) progress(chunks);
    }
  }
}

/** A signal that aborts when the run stops and, for a cancel, as soon as the provider has said something. */
function cutOnceHeard(heard: CompletionAssembler, { signal, stopped }: RunContext) {
  const cut = new AbortController();
  const check = () => {
    if (signal.aborted && heard.hasSaid) cut.abort();
  };
  signal.addEventListener('abort', check, { once: true });
  return {
    signal: AbortSignal.any([stopped, cut.signal]),
    check,
    stop: () => signal.removeEventListener('abort', check),
  };
}

/** The result in a chat job's row. */
const readResult = column.jsonOf(
  z.object({
    assistantMessage: z.string(),
    reasoningContent: z.string().optional(),
    inputTokensCount: z.number(),
    outputTokensCount: z.number(),
  }),
);

/** Adds the turn of a kept conversation. */
export function keepTurnsOfJobs(store: Pick<JobStore, 'announced'>, turns: Turns): AfterEnd {
  return async (work) => {
    const { turn } = work.plan;
    if (turn === undefined) return;
    const job = await store.announced(work.id);
    if (job?.status !== 'COMPLETED' || job.result === null) return;
    const result = readResult(job.result, 'result');
    const asked = askedInChat(storedChatSchema.parse(await work.request()));
    await turns.add(work.userId, turn, work.id, asked, {
      content: result.assistantMessage,
      reasoningContent: result.reasoningContent,
      modelIdentifier: job.modelName,
      promptTokens: result.inputTokensCount,
      completionTokens: result.outputTokensCount,
      cost: job.cost ?? 0n,
    });
  };
}
