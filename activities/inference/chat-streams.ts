/**
 * Streamed chat: the provider is read to its end whether or not the client stays, and charged by its own usage. A
 * stream that breaks is charged by what was counted of it; one that brought nothing is free.
 */

import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { CallContext } from '../../core/providers/context.ts';
import { nothingDelivered, UpstreamFailure } from '../../core/providers/failure.ts';
import { reportedUsage } from '../../core/providers/openai/usage.ts';
import type { ChatBody } from '../../core/providers/provider.ts';
import { inSpan } from '../../infra/telemetry/spans.ts';
import { CompletionAssembler } from './assemble.ts';
import { type ChatRequest, candidatesOf } from './candidates.ts';
import { type AnsweredBefore, type CallOutcome, type Charge, openCharge } from './charge.ts';
import { upstreamBody } from './chat-call.ts';
import { usageOf } from './chat-usage.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { type InferenceDeps, targetOf } from './deps.ts';
import { type Candidate, planChat } from './plan.ts';
import { outcomeOfStream } from './stream-outcome.ts';
import { errorOf } from './upstream-error.ts';

export interface StreamCommand extends ChatRequest {
  /** How the whole stream of a keyed request is kept; `chunks` as they were given to the client. */
  readonly keep?: (chunks: readonly string[], end: StreamEnd) => StoredAnswer;
}

/** Known when a stream has ended and was charged. */
export interface StreamEnd extends CallOutcome {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly completion: Readonly<Record<string, unknown>>;
}

export interface OpenStream extends Omit<CallOutcome, 'cost'> {
  readonly kind: 'streaming';
  /** Data of each event as the provider wrote it, the usage chunk among them. Throws AppError where it breaks. */
  readonly chunks: AsyncIterable<string>;
  /** Resolves after the capture's COMMIT; rejects when the stream broke. */
  readonly ended: Promise<StreamEnd>;
  /** The client has left: the provider is read on for a while, and what came is charged. */
  readonly leave: () => void;
}

export type StreamReply = OpenStream | AnsweredBefore;

/** About what one chunk takes when it is kept. */
const CHUNK_BYTES = 300;
/** How long a provider is still read after the client has left. */
const AFTER_LEAVING_MS = 30_000;

interface Opened {
  readonly first: IteratorResult<string>;
  readonly rest: AsyncIterator<string>;
}

/** One call that is under way. */
interface Running {
  readonly command: StreamCommand;
  readonly charge: Charge;
  readonly ttftMs: number;
  readonly queue: ChunkQueue;
  readonly cut: AbortController;
}

export class ChatStreams {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /**
   * Opens a stream; resolves with the provider's first chunk, so that until then another key or model may serve it.
   * @throws {AppError} as a whole chat.
   */
  async open(command: StreamCommand, context: CallContext): Promise<StreamReply> {
    const { models, requestPictures } = this.#deps;
    const { models: candidates, asked } = candidatesOf(models, command);
    const plan = planChat(candidates, asked);
    const charge = await openCharge(this.#deps, command, plan, asked, context.requestId);
    if (charge.kind === 'answered-before') return charge;
    const cut = new AbortController();
    const signal = AbortSignal.any([context.signal, cut.signal]);
    return charge.orRelease(async () => {
      const body = asked.size.images === 0 ? command.body : await requestPictures.ofChat(command.body, signal);
      const reading = { ...context, signal };
      const opened = await charge.attempts({ output: 'text', streamed: true }, reading, (candidate, apiKey) =>
        this.#firstChunk(candidate, apiKey, body, reading),
      );
      const ttftMs = Date.now() - charge.startedAtMs;
      return this.#follow({ command, charge, ttftMs, queue: new ChunkQueue(signal), cut }, opened);
    });
  }

  async #firstChunk(candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext): Promise<Opened> {
    const adapter = this.#deps.chatAdapters[candidate.kind];
    const stream = await adapter.stream(targetOf(candidate, apiKey), upstreamBody(body, candidate), context);
    const rest = stream[Symbol.asyncIterator]();
    return { first: await rest.next(), rest };
  }

  #follow(running: Running, opened: Opened): OpenStream {
    const { queue, cut } = running;
    const ended = inSpan('stream', undefined, () => this.#pump(running, opened));
    // The client may never look at the end.
    ended.catch(() => undefined);
    return {
      kind: 'streaming',
      ...running.charge.told,
      chunks: queue,
      ended,
      leave: () => {
        queue.leave();
        const timer = setTimeout(() => cut.abort(), AFTER_LEAVING_MS);
        const stop = () => clearTimeout(timer);
        ended.then(stop, stop);
      },
    };
  }

  /** Reads the provider to its end and settles. */
  async #pump(running: Running, opened: Opened): Promise<StreamEnd> {
    const { queue } = running;
    const { key, candidate } = running.charge.served;
    const received: string[] = [];
    let failure: unknown;
    try {
      for (let next = opened.first; !next.done; next = await opened.rest.next()) {
        received.push(next.value);
        await queue.push(next.value);
      }
      this.#deps.keys.report(key, { kind: 'success' }, candidate.modelId);
    } catch (error) {
      failure = error;
      const kind = outcomeOfStream(error, queue.heldUp);
      this.#deps.keys.report(key, { kind: 'failure', failure: kind }, candidate.modelId);
    }
    try {
      const end = await this.#settle(running, received, failure);
      if (failure !== undefined) throw asAppError(failure);
      queue.close();
      return end;
    } catch (error) {
      queue.close(error);
      throw error;
    }
  }

  async #settle(running: Running, received: readonly string[], failure: unknown): Promise<StreamEnd> {
    const { command, charge, ttftMs } = running;
    const assembler = new CompletionAssembler();
    for (const chunk of received) assembler.add(chunk);
    // A usage without an answer is nothing to pay for, nor is a stream that the provider broke before it said anything.
    const broken = failure !== undefined && !running.cut.signal.aborted;
    if (assembler.isEmpty || (broken && !assembler.hasSaid)) {
      const error = asAppError(failure ?? nothingDelivered());
      await charge.release(error);
      throw error;
    }
    const completion = assembler.completion();
    const delivered = { usage: reportedUsage(completion.usage), texts: assembler.texts() };
    const usage = usageOf(command.body, delivered, charge.served.candidate, this.#deps.noteUsageDoubt);
    const { promptTokens, completionTokens } = usage;
    const { keep } = command;
    return charge.capture(usage, (told): StreamEnd => ({ ...told, promptTokens, completionTokens, completion }), {
      ttftMs,
      // A broken stream is charged, but not kept: the key may be tried again.
      keep:
        keep && failure === undefined
          ? { answer: (end) => keep(received, end), bytes: received.length * CHUNK_BYTES }
          : undefined,
    });
  }
}

function asAppError(failure: unknown): unknown {
  return failure instanceof UpstreamFailure ? errorOf(failure, 1) : failure;
}
