/**
 * Streamed chat: the provider is read to its end whether or not the client stays, and charged by its own usage. A
 * stream that breaks is charged by what was counted of it; one that brought nothing is free.
 */
import { AppError } from '../../infra/errors.ts';
import { inSpan } from '../../infra/telemetry/spans.ts';
import { nanoAmount } from '../billing/money.ts';
import type { StoredAnswer } from '../billing/operations/claim.ts';
import type { PickedKey } from '../keys/key-pool.ts';
import { settleLimits } from './admission.ts';
import { CompletionAssembler } from './assemble.ts';
import { runAttempts } from './attempts.ts';
import { beginCall, type Held } from './begin-call.ts';
import { type ChatRequest, candidatesOf } from './candidates.ts';
import { lateAnswer } from './charged-call.ts';
import type { CallOutcome } from './chat.ts';
import { upstreamBody } from './chat-call.ts';
import { usageOf } from './chat-usage.ts';
import { ChunkQueue } from './chunk-queue.ts';
import type { CallContext } from './context.ts';
import { type InferenceParts, targetOf } from './parts.ts';
import { type Candidate, planChat } from './plan.ts';
import { nothingDelivered, UpstreamFailure } from './providers/failure.ts';
import { reportedUsage } from './providers/openai/usage.ts';
import type { ChatBody } from './providers/provider.ts';
import { captureOf, releaseOf } from './settlement.ts';
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

export type StreamReply = OpenStream | { readonly kind: 'answered-before'; readonly answer: StoredAnswer };

/** How long a provider is still read after the client has left. */
const AFTER_LEAVING_MS = 30_000;

interface Opened {
  readonly first: IteratorResult<string>;
  readonly rest: AsyncIterator<string>;
}

/** One call that is under way. */
interface Running {
  readonly command: StreamCommand;
  readonly held: Held;
  readonly candidate: Candidate;
  readonly key: PickedKey;
  readonly attempts: number;
  readonly ttftMs: number;
  readonly queue: ChunkQueue;
  readonly cut: AbortController;
}

export class ChatStreams {
  readonly #parts: InferenceParts;

  constructor(parts: InferenceParts) {
    this.#parts = parts;
  }

  /**
   * Opens a stream; resolves with the provider's first chunk, so that until then another key or model may serve it.
   * @throws {AppError} as a whole chat.
   */
  async open(command: StreamCommand, context: CallContext): Promise<StreamReply> {
    const { models, asked } = candidatesOf(this.#parts.models, command);
    const held = await beginCall(this.#parts, command, planChat(models, asked), asked, context.requestId);
    if (held.kind === 'answered-before') return held;
    const cut = new AbortController();
    const signal = AbortSignal.any([context.signal, cut.signal]);
    let called: { candidate: Candidate; keyId: number; count: number } | undefined;
    try {
      const { requestPictures } = this.#parts;
      const body = asked.size.images === 0 ? command.body : await requestPictures.ofChat(command.body, signal);
      const { value, candidate, key, attempts } = await runAttempts({
        candidates: held.plan.candidates,
        output: 'text',
        pool: this.#parts.keys,
        budget: this.#parts.retries,
        signal,
        log: context.log,
        streamed: true,
        call: (target) => {
          called = { candidate: target.candidate, keyId: target.key.id, count: (called?.count ?? 0) + 1 };
          return this.#firstChunk(target.candidate, target.key.apiKey, body, { ...context, signal });
        },
      });
      const ttftMs = Date.now() - held.startedAtMs;
      const running = { command, held, candidate, key, attempts, ttftMs, queue: new ChunkQueue(signal), cut };
      return this.#follow(running, value);
    } catch (error) {
      const attempted = { attempts: called?.count ?? 0, providerKeyId: called?.keyId ?? null };
      await this.#release(command, held, called?.candidate, attempted, error);
      throw error;
    }
  }

  async #firstChunk(candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext): Promise<Opened> {
    const adapter = this.#parts.chatAdapters[candidate.kind];
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
      ...servedBy(running),
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
    const { queue, key, candidate } = running;
    const received: string[] = [];
    let failure: unknown;
    try {
      for (let next = opened.first; !next.done; next = await opened.rest.next()) {
        received.push(next.value);
        await queue.push(next.value);
      }
      this.#parts.keys.report(key, { kind: 'success' }, candidate.modelId);
    } catch (error) {
      failure = error;
      const kind = outcomeOfStream(error, queue.heldUp);
      this.#parts.keys.report(key, { kind: 'failure', failure: kind }, candidate.modelId);
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
    const { command, held, candidate, key, attempts, ttftMs } = running;
    const attempted = { attempts, providerKeyId: key.id };
    const assembler = new CompletionAssembler();
    for (const chunk of received) assembler.add(chunk);
    // A usage without an answer is nothing to pay for, nor is a stream that the provider broke before it said anything.
    const broken = failure !== undefined && !running.cut.signal.aborted;
    if (assembler.isEmpty || (broken && !assembler.hasSaid)) {
      const error = asAppError(failure ?? nothingDelivered());
      await this.#release(command, held, candidate, attempted, error);
      throw error;
    }
    const completion = assembler.completion();
    const delivered = { usage: reportedUsage(completion.usage), texts: assembler.texts() };
    const usage = usageOf(command.body, delivered, candidate, this.#parts.noteUsageDoubt);
    const timing = { startedAtMs: held.startedAtMs, endedAtMs: Date.now(), ttftMs };
    settleLimits(this.#parts.limits, held.admission, usage);
    const endAt = (cost: bigint): StreamEnd => ({
      ...servedBy(running),
      cost: nanoAmount(cost),
      promptTokens: usage.promptTokens,
      completionTokens: usage.completionTokens,
      completion,
    });
    const { claim, keep } = command;
    const captured = await this.#parts.ledger.capture({
      ...captureOf(held.identity, candidate, usage, timing, attempted),
      // A broken stream is charged, but not kept: the key may be tried again.
      ...(claim ? { claim } : {}),
      ...(claim && keep && failure === undefined
        ? { answer: (charged: bigint) => keep(received, endAt(charged)), answerBytes: received.length * 300 }
        : {}),
    });
    if (captured.kind === 'hold-released' || captured.kind === 'claim-lost') throw lateAnswer();
    return endAt(captured.charged);
  }

  async #release(
    command: StreamCommand,
    held: Held,
    served: Candidate | undefined,
    attempted: { attempts: number; providerKeyId: number | null },
    error: unknown,
  ): Promise<void> {
    settleLimits(this.#parts.limits, held.admission);
    const timing = { startedAtMs: held.startedAtMs, endedAtMs: Date.now(), ttftMs: null };
    const code = error instanceof AppError ? error.code : 500;
    await this.#parts.ledger.release({
      ...releaseOf(held.identity, served ?? held.plan.candidates[0], timing, attempted, code),
      ...(command.claim ? { claim: command.claim } : {}),
    });
  }
}

function servedBy({ held, candidate, attempts }: Running): Omit<CallOutcome, 'cost'> {
  return {
    requestId: held.identity.requestId,
    modelIdentifier: candidate.modelIdentifier,
    providerName: candidate.providerName,
    attempts,
    clampedTo: held.plan.clamped ? candidate.maxTokens : undefined,
  };
}

function asAppError(failure: unknown): unknown {
  return failure instanceof UpstreamFailure ? errorOf(failure, 1) : failure;
}
