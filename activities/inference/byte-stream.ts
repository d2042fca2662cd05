/**
 * A call that is answered with bytes as they come (speech, text of speech): one charge around them. The provider is read
 * to its end, whether or not the client stays. What breaks on the way is charged by what was counted of it, and is an
 * error; as long as nothing could be sent, it is free, and another key or model may serve it.
 */
import type { Usage } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import { errorOf, UpstreamFailure } from '../../core/providers/failure.ts';
import { type ByteAnswer, type CallContext, EVENTS, type UpstreamTarget } from '../../core/providers/provider.ts';
import type { CallOutput } from './attempts.ts';
import {
  type AnsweredBefore,
  type CallBegin,
  type CallOutcome,
  type Charge,
  type ChargeRequest,
  type InferenceDeps,
  openCharge,
  type RequestContext,
  targetOf,
} from './charge.ts';
import { ChunkQueue } from './chunk-queue.ts';
import type { Candidate, Plan } from './plan.ts';
import { outcomeOfStream } from './stream.ts';

export interface BytesCommand extends ChargeRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (body: Buffer, mediaType: string, end: CallOutcome) => StoredAnswer;
}

export interface BytesWork {
  readonly output: CallOutput;
  /** @throws {UpstreamFailure} */
  readonly call: (candidate: Candidate, target: UpstreamTarget, context: CallContext) => Promise<ByteAnswer>;
  readonly usage: (received: Received, candidate: Candidate) => Usage;
  /** The usage is read from more of the answer than its end. */
  readonly readsAll: boolean;
}

/** What has come of an answer. */
export interface Received {
  readonly mediaType: string;
  /** Its end: 5 MB where more of it is read, else 64 KB; all of an answer that came in one piece. */
  readonly body: Buffer;
  /** What the provider counted beside it. */
  readonly reported?: unknown;
}

export interface OpenBytes extends CallBegin {
  readonly kind: 'streaming';
  readonly mediaType: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves after the capture's COMMIT; rejects when the answer broke. */
  readonly ended: Promise<CallOutcome>;
  /** The client has left: the provider is read on for a while, and what came is charged. */
  readonly leave: () => void;
}

export type BytesReply = OpenBytes | AnsweredBefore;

const AFTER_LEAVING_MS = 30_000;
const KEPT_END_BYTES = 64 * 1024;
/** More of a keyed answer is not kept anyway (core/ledger/operations/claim.ts). */
const KEPT_BYTES = 5 * 1024 * 1024;

/** Resolves when there is something to send. @throws {AppError} what the caller may know. */
export async function chargedBytes(
  deps: InferenceDeps,
  command: BytesCommand,
  plan: Plan,
  work: BytesWork,
  caller: RequestContext,
): Promise<BytesReply> {
  const charge = await openCharge(deps, command, plan, undefined, caller.requestId);
  if (charge.kind === 'answered-before') return charge;
  const cut = new AbortController();
  const context = { ...caller, signal: AbortSignal.any([charge.deadline, cut.signal]) };
  try {
    const how = { output: work.output, streamed: true };
    const opened = await charge.calls.attempts(charge.plan.candidates, how, context, async (candidate, apiKey) => {
      const { mediaType, bytes, reported } = await work.call(candidate, targetOf(candidate, apiKey), context);
      const rest = bytes[Symbol.asyncIterator]();
      const first = await rest.next();
      if (first.done) throw new UpstreamFailure('empty', 'the provider gave nothing', { status: 200 });
      const ttftMs = Date.now() - charge.calls.startedAtMs;
      // Events say something by themselves. Of sound the last piece waits for the charge, so a single one is not sent yet.
      const second = mediaType === EVENTS ? undefined : await rest.next();
      const lead = second === undefined || second.done ? [first.value] : [first.value, second.value];
      return { mediaType, lead, rest, ttftMs, reported };
    });
    const queue = new ChunkQueue<Uint8Array>(context.signal, ({ length }) => length);
    const ended = pump({ deps, command, charge, work, queue, opened });
    // The client may never look at the end.
    ended.catch(() => undefined);
    const leave = () => {
      queue.leave();
      const timer = setTimeout(() => cut.abort(), AFTER_LEAVING_MS);
      const stop = () => clearTimeout(timer);
      ended.then(stop, stop);
    };
    return { kind: 'streaming', ...charge.begun, mediaType: opened.mediaType, chunks: queue, ended, leave };
  } catch (error) {
    await charge.release(error);
    throw error;
  }
}

interface Running {
  readonly deps: InferenceDeps;
  readonly command: BytesCommand;
  readonly charge: Charge;
  readonly work: BytesWork;
  readonly queue: ChunkQueue<Uint8Array>;
  readonly opened: {
    readonly mediaType: string;
    /** The first pieces. */
    readonly lead: readonly Uint8Array[];
    readonly rest: AsyncIterator<Uint8Array>;
    readonly ttftMs: number;
    readonly reported: ByteAnswer['reported'];
  };
}

async function pump({ deps, command, charge, work, queue, opened }: Running): Promise<CallOutcome> {
  const { served } = charge.calls;
  const measured = { ttftMs: opened.ttftMs };
  const { keep, claim } = command;
  const received = new ReceivedBytes(work.readsAll || claim !== undefined ? KEPT_BYTES : KEPT_END_BYTES);
  let failure: unknown;
  try {
    for await (const chunk of allOf(opened)) {
      received.add(chunk);
      const room = queue.push(chunk);
      if (room) await room;
    }
    deps.keys.report(served.key, { kind: 'success' });
  } catch (error) {
    failure = error;
    deps.keys.report(served.key, { kind: 'failure', failure: outcomeOfStream(error, queue.heldUp) });
  }
  try {
    const { mediaType, reported } = opened;
    const body = received.body();
    const usage = work.usage({ mediaType, body, reported: reported?.() }, served.candidate);
    const end = await charge.capture(usage, (call) => call, {
      measured,
      // What broke is charged, but not kept: the key may be tried again.
      keep:
        keep && failure === undefined
          ? { answer: (call) => keep(body, mediaType, call), bytes: body.length }
          : undefined,
    });
    if (failure !== undefined) throw failure instanceof UpstreamFailure ? errorOf(failure, 1) : failure;
    queue.close();
    return end;
  } catch (error) {
    queue.close(error);
    throw error;
  }
}

async function* allOf({ lead, rest }: Running['opened']): AsyncGenerator<Uint8Array, void> {
  yield* lead;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The bytes of an answer up to a bound, of which those at the end stay. */
class ReceivedBytes {
  readonly #mostBytes: number;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - (this.#chunks[0]?.length ?? 0) >= this.#mostBytes) {
      this.#size -= this.#chunks.shift()?.length ?? 0;
    }
  }

  body(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
