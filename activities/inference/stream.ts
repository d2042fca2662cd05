/**
 * Streamed chat: the provider is read to its end whether or not the client stays, and charged by its own usage. A
 * stream that breaks is charged by what was counted of it; one that has said nothing is tried elsewhere and free, unless its end says why.
 */

import type { Usage } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import { CompletionAssembler } from '../../core/providers/completion.ts';
import { errorOf, type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';
import type { NativeAdapter } from '../../core/providers/native.ts';
import type { ChatBody, ChatChunk } from '../../core/providers/provider.ts';
import { HeldByRequest } from '../../infra/held-bytes.ts';
import { inSpan } from '../../infra/telemetry/spans.ts';
import { affinityOf } from './affinity.ts';
import {
  type AnsweredBefore,
  type CallBegin,
  type CallOutcome,
  type Charge,
  type InferenceDeps,
  openCharge,
  type RequestContext,
  targetOf,
} from './charge.ts';
import { type Asking, chatOnce } from './chat.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { inClientPaths } from './client-paths.ts';
import { withKeptFiles } from './kept-files.ts';
import { isTranslated, nativeWay } from './native.ts';
import { type Candidate, type PromptSize, planChat } from './plan.ts';
import { type ChatRequest, candidatesOf } from './routing.ts';
import type { Measured } from './settlement.ts';
import { usageOf } from './usage.ts';

export interface StreamCommand extends ChatRequest {
  /** How the whole stream of a keyed request is kept; `chunks` as they were given to the client. */
  readonly keep?: (chunks: readonly string[], end: StreamEnd) => StoredAnswer;
}

/** Known when a stream has ended and was charged. */
export interface StreamEnd extends CallOutcome {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly completion: Readonly<Record<string, unknown>>;
  /** What was charged. */
  readonly usage: Usage;
  readonly native: boolean;
  /** Of a native stream that has come to its end: the provider's last chunk. */
  readonly lastEvent: string | undefined;
}

export interface OpenStream extends CallBegin {
  readonly kind: 'streaming';
  /** The chunks are events in the client's own form (ChatChunk). */
  readonly native: boolean;
  /** Each as the provider wrote it, the usage chunk among them. Throws AppError where it breaks. */
  readonly chunks: Pick<ChunkQueue<ChatChunk>, 'each'>;
  /** Resolves after the capture's COMMIT; rejects when the stream broke. */
  readonly ended: Promise<StreamEnd>;
  /** What it cost, once that is known; of a stream that broke, too. */
  readonly charged: () => CallOutcome | undefined;
  /** The client has left: the provider is read on for a while, and what came is charged. */
  readonly leave: () => void;
}

export type StreamReply = OpenStream | AnsweredBefore;

/** About what one chunk takes when it is kept. */
const CHUNK_BYTES = 300;
/** How long a provider is still read after the client has left. */
const AFTER_LEAVING_MS = 30_000;

/** A stream that has begun. */
interface Asked {
  readonly native: boolean;
  readonly stream: AsyncIterable<ChatChunk>;
  /** As a chat. */
  readonly sent: ChatBody;
}

/** A stream that has said something, or has ended and says why it did not. */
interface Opened {
  /** The chunks up to the first one that says something. */
  readonly lead: readonly ChatChunk[];
  readonly rest: AsyncIterator<ChatChunk>;
  /** All that has come. */
  readonly heard: CompletionAssembler;
  readonly native: boolean;
}

/** Data of the chunks; all of them only of a keyed request, whose answer is kept. */
interface Received {
  last: string | undefined;
  readonly all: string[] | undefined;
}

/** One call that is under way. */
interface Running {
  readonly command: StreamCommand;
  /** With the files that it names by their ids. */
  readonly body: ChatBody;
  readonly size: PromptSize;
  readonly charge: Charge;
  readonly measured: Measured;
  readonly queue: ChunkQueue<ChatChunk>;
  charged: CallOutcome | undefined;
}

export class ChatStreams {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /**
   * Opens a stream; resolves when the provider has said something, so that until then another key or model may serve it.
   * @throws {AppError} as a whole chat.
   */
  async open(command: StreamCommand, context: RequestContext): Promise<StreamReply> {
    const { models, findKeptTexts, requestImages, readKeptFile } = this.#deps;
    const texts = await findKeptTexts(command, command.caller.userId);
    const { models: candidates, asked } = candidatesOf(models, { ...command, texts });
    const plan = planChat(candidates, asked);
    const charge = await openCharge(this.#deps, command, plan, asked, context.requestId);
    if (charge.kind === 'answered-before') return charge;
    const signal = charge.deadline;
    const { userId } = command.caller;
    const room = new HeldByRequest(this.#deps.held, userId);
    try {
      const read = await withKeptFiles(command, readKeptFile, { userId, room });
      const inChat = await chatOnce(read, () => requestImages.ofChat(read.body, signal, room));
      const reading = { ...context, signal };
      const how = { output: 'text', streamed: true, affinity: () => affinityOf(command) } as const;
      const { calls } = charge;
      const opened = await calls.attempts(charge.plan.candidates, how, reading, (candidate, apiKey) =>
        this.#firstWords(candidate, apiKey, { command: read, calls, inChat, context: reading }),
      );
      const measured = { ttftMs: Date.now() - calls.startedAtMs };
      const { size } = asked;
      const queue = new ChunkQueue<ChatChunk>(signal, ({ data }) => data.length);
      const running = { command, body: read.body, size, charge, measured, queue, charged: undefined };
      const stream = this.#follow(running, opened);
      // The texts of kept files may have to be counted at the end.
      if (read !== command) room.until(stream.ended);
      return stream;
    } catch (error) {
      await charge.release(error);
      throw error;
    } finally {
      room.giveBack();
    }
  }

  /** @throws {UpstreamFailure} when the stream breaks before it says anything, or ends and is no answer (requireAnswer). */
  async #firstWords(candidate: Candidate, apiKey: string, asking: Asking): Promise<Opened> {
    const way = nativeWay(this.#deps.nativeAdapters, candidate, asking.command.native, 'streamed');
    try {
      return await this.#opened(await this.#stream(candidate, apiKey, asking, way));
    } catch (error) {
      throw way ? error : inClientPaths(error, asking.command.native?.paths);
    }
  }

  async #opened({ native, stream, sent }: Asked): Promise<Opened> {
    const rest = stream[Symbol.asyncIterator]();
    const heard = new CompletionAssembler();
    const lead: ChatChunk[] = [];
    while (!heard.hasSaid) {
      const next = await rest.next();
      if (next.done) {
        heard.requireAnswer(sent);
        break;
      }
      heard.addChunk(next.value);
      lead.push(next.value);
    }
    return { lead, rest, heard, native };
  }

  async #stream(
    candidate: Candidate,
    apiKey: string,
    { command, calls, inChat, context }: Asking,
    way: NativeAdapter | undefined,
  ): Promise<Asked> {
    const target = targetOf(candidate, apiKey);
    if (way && command.native) {
      const request = calls.fittedNative(candidate, command.body, command.native, way);
      return { native: true, stream: await way.stream(target, request, context), sent: command.body };
    }
    const body = calls.fitted(candidate, await inChat(), 'streamed', isTranslated(command));
    const stream = await this.#deps.chatAdapters[candidate.kind].stream(target, body, context);
    return { native: false, stream, sent: body };
  }

  #follow(running: Running, opened: Opened): OpenStream {
    const { queue, charge } = running;
    const ended = inSpan('stream', undefined, () => this.#pump(running, opened));
    // The client may never look at the end.
    ended.catch(() => undefined);
    return {
      kind: 'streaming',
      ...charge.begun,
      native: opened.native,
      chunks: queue,
      ended,
      charged: () => running.charged,
      leave: () => {
        queue.leave();
        const timer = setTimeout(() => charge.cut(), AFTER_LEAVING_MS);
        const stop = () => clearTimeout(timer);
        ended.then(stop, stop);
      },
    };
  }

  /** Reads the provider to its end and settles. */
  async #pump(running: Running, opened: Opened): Promise<StreamEnd> {
    const { queue } = running;
    const { key } = running.charge.calls.served;
    const { lead, rest } = opened;
    const received: Received = {
      last: lead.at(-1)?.data,
      all: running.command.claim && lead.map(({ data }) => data),
    };
    let failure: unknown;
    try {
      for (const chunk of lead) queue.push(chunk);
      for (let next = await rest.next(); !next.done; next = await rest.next()) {
        const chunk = next.value;
        opened.heard.addChunk(chunk);
        received.last = chunk.data;
        received.all?.push(chunk.data);
        const room = queue.push(chunk);
        if (room) await room;
      }
      this.#deps.keys.report(key, { kind: 'success' });
    } catch (error) {
      failure = error;
      const counted = error instanceof UpstreamFailure ? error.details.usage : undefined;
      if (counted !== undefined) opened.heard.add({ usage: counted });
      const kind = outcomeOfStream(error, queue.heldUp);
      this.#deps.keys.report(key, { kind: 'failure', failure: kind });
    }
    try {
      const end = await this.#settle(running, opened, received, failure);
      running.charged = end;
      if (failure !== undefined) throw asAppError(failure);
      queue.close();
      return end;
    } catch (error) {
      queue.close(error);
      throw error;
    }
  }

  async #settle(
    running: Running,
    { heard, native }: Opened,
    { last, all }: Received,
    failure: unknown,
  ): Promise<StreamEnd> {
    const { command, body, size, charge, measured } = running;
    const completion = heard.completion();
    const delivered = { usage: heard.usage(), texts: heard.texts() };
    const { candidate } = charge.calls.served;
    const usage = usageOf(body, delivered, candidate, this.#deps.noteUsageDoubt, size);
    const { promptTokens, completionTokens } = usage;
    const lastEvent = native && failure === undefined ? last : undefined;
    const said = { promptTokens, completionTokens, completion, usage, native, lastEvent };
    const { keep } = command;
    return charge.capture(usage, (call): StreamEnd => ({ ...call, ...said }), {
      measured,
      mayWait: true,
      // A broken stream is charged, but not kept: the key may be tried again.
      keep:
        keep && all && failure === undefined
          ? { answer: (end) => keep(all, end), bytes: all.length * CHUNK_BYTES }
          : undefined,
    });
  }
}

function asAppError(failure: unknown): unknown {
  return failure instanceof UpstreamFailure ? errorOf(failure, 1) : failure;
}

/**
 * @param heldUp whether the client held the reader up: nobody may open the circuits of keys that all share by reading
 * slowly, so what is late or breaks off then counts as the client's doing.
 */
export function outcomeOfStream(error: unknown, heldUp: boolean): FailureClass {
  if (!(error instanceof UpstreamFailure)) return 'cancelled';
  const { failure, details } = error;
  const cutOff = failure === 'timeout' || (failure === 'transient' && details.status === 0);
  return heldUp && cutOff ? 'cancelled' : failure;
}
