/**
 * Responses: a chat around whose request and answer there is OpenAI's Responses form. The chat is paid for and answered as
 * any other; here the conversation that a request goes on with is put before it, and the response is kept after it.
 */
import { z } from 'zod';
import type { AccessKeyCaller } from '../../../core/accounts/caller.ts';
import type { ModelSource } from '../../../core/catalog/model.ts';
import { type KeptResponse, type KeptResponses, sizeOf } from '../../../core/conversations/kept-responses.ts';
import type { OpenTurn } from '../../../core/conversations/turns.ts';
import { AppError } from '../../../infra/errors.ts';
import { HeldByRequest, type HeldBytes } from '../../../infra/held-bytes.ts';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { Reply, RequestContext } from '../charge.ts';
import type { ChatCommand, ChatOutcome, ChatService } from '../chat.ts';
import { type Charged, type CostShown, completionInOpenAiWords } from '../openai-words.ts';
import { requireChatModel } from '../routing.ts';
import type { ChatStreams, StreamCommand, StreamReply } from '../stream.ts';
import { callIn, ResponseAnswer, responseIdOf, responseUsage } from './answer.ts';
import { askedResponse } from './asked.ts';
import type { PlacedItem } from './items.ts';
import { PassedOnResponse } from './passed-on.ts';
import { placedItems, type ResponsesInput } from './request.ts';

/** What a response is made of: of a whole answer and of the end of a stream. */
type AnsweredChat = Charged & Pick<ChatOutcome, 'completion' | 'requestId' | 'modelIdentifier' | 'native'>;

export function responseOf(input: ResponsesInput, answered: AnsweredChat, shown: CostShown | undefined): Json {
  const model = input.model ?? answered.modelIdentifier;
  const native = answered.native === undefined ? undefined : parseJson(answered.native);
  if (isJsonObject(native)) {
    const passedOn = new PassedOnResponse(input, answered.requestId, model);
    passedOn.add(native);
    return passedOn.end(responseUsage(answered, shown)).response;
  }
  const answer = new ResponseAnswer(input, answered.requestId, model);
  answer.add(completionInOpenAiWords(answered.completion, model, {}));
  return answer.end(responseUsage(answered, shown)).response;
}

interface ResponsesDeps {
  readonly models: ModelSource;
  readonly held: HeldBytes;
  readonly chat: Pick<ChatService, 'complete'>;
  readonly chatStreams: Pick<ChatStreams, 'open'>;
  readonly keptResponses: Pick<KeptResponses, 'find' | 'bytesOf' | 'keep' | 'remove'>;
  readonly costShown: CostShown | undefined;
  /** The response that a job of the user has made; undefined when there is none that has ended. */
  readonly ofJob: (userId: number, responseId: string) => Promise<KeptResponse | undefined>;
}

/** What a request goes on from. */
export interface Earlier {
  readonly items: readonly PlacedItem[];
  readonly ids: readonly string[];
  readonly size: number;
}

export interface Prepared {
  readonly earlier: Earlier;
  readonly items: readonly PlacedItem[];
}

const NOTHING: Earlier = { items: [], ids: [], size: 0 };

/** Of one conversation; as much as the body of a request may have. */
const LARGEST_TOGETHER = 20_000_000;
const MOST_IN_A_ROW = 1_000;
const READ_AT_ONCE = 20;

const storedItems = z.array(z.unknown());
const storedResponse = z.looseObject({ output: z.array(z.unknown()) });

export class Responses {
  readonly #deps: ResponsesDeps;

  constructor(deps: ResponsesDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} as a chat; for earlier responses or items that there are none of. */
  async complete(
    input: ResponsesInput,
    command: Omit<ChatCommand, 'model' | 'body'>,
    context: RequestContext,
    turn: OpenTurn | undefined,
  ): Promise<Reply<ChatOutcome>> {
    const { caller } = command;
    return this.prepared(caller, input, async (prepared) => {
      const reply = await this.#deps.chat.complete({ ...command, ...askedOf(input, prepared, turn) }, context);
      if (reply.kind === 'answered-now') await this.#keep(caller.userId, input, prepared.earlier, reply.outcome);
      return reply;
    });
  }

  /** @throws {AppError} as `complete`. */
  async open(
    input: ResponsesInput,
    command: Omit<StreamCommand, 'model' | 'body'>,
    context: RequestContext,
    turn: OpenTurn | undefined,
  ): Promise<StreamReply> {
    const { caller } = command;
    return this.prepared(caller, input, async (prepared, held) => {
      const reply = await this.#deps.chatStreams.open({ ...command, ...askedOf(input, prepared, turn) }, context);
      if (reply.kind !== 'streaming') return reply;
      const ended = reply.ended.then(async (end) => {
        await this.#keep(caller.userId, input, prepared.earlier, { ...end, native: end.lastEvent });
        return end;
      });
      held.until(ended);
      return { ...reply, ended };
    });
  }

  /**
   * All items that the model reads, and what is done with them while they are held.
   * @throws {AppError} for a model that may not be asked, for earlier responses or items that there are none of, and while
   * there is no room for them.
   */
  async prepared<Done>(
    caller: AccessKeyCaller,
    input: ResponsesInput,
    use: (prepared: Prepared, held: HeldByRequest) => Promise<Done>,
  ): Promise<Done> {
    const { userId } = caller;
    requireChatModel(this.#deps.models, { caller, model: modelOf(input) });
    const held = new HeldByRequest(this.#deps.held, userId);
    try {
      const earlier = await this.#earlier(userId, input, held);
      const items = await this.#resolved(userId, [...earlier.items, ...placedItems(input.items)], held);
      return await use({ earlier, items }, held);
    } finally {
      held.giveBack();
    }
  }

  /** A kept response of the user; undefined when there is none. */
  find(userId: number, responseId: string): Promise<KeptResponse | undefined> {
    return this.#found(userId, responseId);
  }

  /** @returns whether it was kept. */
  async remove(userId: number, responseId: string): Promise<boolean> {
    const call = callIn(responseId);
    return call !== undefined && this.#deps.keptResponses.remove(userId, call);
  }

  async #found(userId: number, id: string): Promise<KeptResponse | undefined> {
    const call = callIn(id);
    if (call === undefined) return undefined;
    return (await this.#deps.keptResponses.find(userId, call)) ?? this.#deps.ofJob(userId, id);
  }

  /** Counted before it is read, where its size is known. */
  async #heldOf(userId: number, id: string, held: HeldByRequest): Promise<KeptResponse | undefined> {
    const call = callIn(id);
    const bytes = call === undefined ? undefined : await this.#deps.keptResponses.bytesOf(userId, call);
    if (bytes !== undefined) held.take(bytes);
    const found = await this.#found(userId, id);
    if (found !== undefined && bytes === undefined) held.take(sizeOf(found));
    return found;
  }

  /** All of a row, oldest first, to this last one; undefined when one of them is gone. @throws {AppError} tooLarge. */
  async #upTo(userId: number, last: KeptResponse, held: HeldByRequest): Promise<readonly KeptResponse[] | undefined> {
    if (last.earlier.length >= MOST_IN_A_ROW || last.earlierSize + sizeOf(last) > LARGEST_TOGETHER) {
      throw new AppError(
        'tooLarge',
        'the conversation of the previous response is too large to go on: begin a new one',
      );
    }
    held.take(last.earlierSize);
    const all: KeptResponse[] = [];
    for (let at = 0; at < last.earlier.length; at += READ_AT_ONCE) {
      const calls = last.earlier.slice(at, at + READ_AT_ONCE);
      const found = await Promise.all(calls.map((call) => this.#found(userId, responseIdOf(call))));
      for (const one of found) if (one !== undefined) all.push(one);
    }
    return all.length < last.earlier.length ? undefined : [...all, last];
  }

  async #earlier(userId: number, { previousResponseId: id }: ResponsesInput, held: HeldByRequest): Promise<Earlier> {
    if (id === undefined) return NOTHING;
    const last = await this.#heldOf(userId, id, held);
    const all = last && (await this.#upTo(userId, last, held));
    if (last === undefined || all === undefined) {
      throw new AppError('invalidParameter', `previous_response_id: there is no response "${id}"`, {
        ...{ param: 'previous_response_id', providerCode: 'previous_response_not_found' },
      });
    }
    const items = all.flatMap((one) => [...inputOf(one), ...outputOf(one)]);
    return {
      items: items.map((item, index) => ({ item, path: `previous_response_id[${index}]` })),
      ids: [...last.earlier, last.id],
      size: last.earlierSize + sizeOf(last),
    };
  }

  /** References to items of kept responses become the items. @throws {AppError} for one that there is none of. */
  async #resolved(userId: number, items: readonly PlacedItem[], held: HeldByRequest): Promise<PlacedItem[]> {
    const known = new Map<string, readonly unknown[]>();
    const resolved: PlacedItem[] = [];
    for (const { item, path } of items) {
      if (!isJsonObject(item) || item.type !== 'item_reference') {
        resolved.push({ item, path });
        continue;
      }
      const id = typeof item.id === 'string' ? item.id : '';
      const call = callIn(id) ?? '';
      const among = known.get(call) ?? (await this.#itemsOf(userId, id, held));
      known.set(call, among);
      const found = among.find((one) => isJsonObject(one) && one.id === id);
      if (found === undefined) {
        throw new AppError('invalidParameter', `${path}.id: there is no item "${id.slice(0, 100)}"`, {
          param: `${path}.id`,
        });
      }
      resolved.push({ item: found, path });
    }
    return resolved;
  }

  async #itemsOf(userId: number, id: string, held: HeldByRequest): Promise<readonly unknown[]> {
    const found = await this.#heldOf(userId, id, held);
    return found === undefined ? [] : [...inputOf(found), ...outputOf(found)];
  }

  async #keep(userId: number, input: ResponsesInput, earlier: Earlier, answered: AnsweredChat): Promise<void> {
    if (!input.store) return;
    const id = answered.requestId.replaceAll('-', '');
    await this.#deps.keptResponses.keep({
      ...{ id, userId, earlier: earlier.ids, earlierSize: earlier.size },
      input: JSON.stringify(withIds(input.items, id)),
      response: JSON.stringify(responseOf(input, answered, this.#deps.costShown)),
    });
  }
}

function askedOf(
  input: ResponsesInput,
  { items, earlier }: Prepared,
  turn: OpenTurn | undefined,
): Pick<ChatCommand, 'model' | 'body' | 'native'> & { readonly session?: string } {
  // The beginning of a conversation is the same for all that go on from it.
  const session = turn?.turn.conversationId ?? earlier.ids[0];
  return {
    ...(session === undefined ? {} : { session }),
    model: modelOf(input),
    ...askedResponse(input, items, turn?.turn.context),
  };
}

export function modelOf({ model }: ResponsesInput): ChatCommand['model'] {
  return model === undefined ? {} : { identifier: model };
}

/** The new items of a kept response. */
export function inputOf(kept: KeptResponse): readonly unknown[] {
  return storedItems.parse(JSON.parse(kept.input));
}

function outputOf(kept: KeptResponse): readonly unknown[] {
  return storedResponse.parse(JSON.parse(kept.response)).output;
}

const PREFIXES: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
  local_shell_call: 'lsh',
  local_shell_call_output: 'lsho',
  web_search_call: 'ws',
};

/** Items that a client has given no id get one, by which they can be listed and referred to. */
export function withIds(items: readonly unknown[], call: string): unknown[] {
  return items.map((item, index) => {
    if (!isJsonObject(item) || typeof item.id === 'string') return item;
    const type = typeof item.type === 'string' ? item.type : 'message';
    return { ...item, type, id: `${PREFIXES[type] ?? 'item'}_${call}_i${index}` };
  });
}
