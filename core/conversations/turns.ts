/**
 * Turns of kept conversations around calls. What a call needs of the conversation is read before anything is paid; the
 * messages are added after its answer, and where MongoDB is away then, the answer is given all the same and they are
 * added when it is back, as long as this process lives.
 */
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { type NewMessage, newConversationId } from './conversation.ts';
import type { Conversations } from './conversations.ts';
import { answerIdOf, newTitleOf, type Said, type Turn, turnMessages, withContext } from './turn.ts';

export interface TurnRequest {
  readonly userId: number;
  /** Undefined: a conversation begins. */
  readonly conversationId: string | undefined;
  readonly asked: readonly NewMessage[];
  /** The caller sends the history itself. */
  readonly hasHistory: boolean;
}

/** A turn whose call is under way. */
export interface OpenTurn {
  readonly turn: Turn;
  /** The messages of the call, after the earlier ones that the model gets. */
  withHistory(messages: readonly unknown[]): readonly unknown[];
  /** The id that the answer is kept under. */
  answerId(requestId: string): string;
  /** Adds the turn after its answer; later where MongoDB is away. Never throws. */
  keep(requestId: string, said: Said): Promise<void>;
}

interface Kept {
  readonly userId: number;
  readonly turn: Turn;
  readonly requestId: string;
  readonly messages: readonly NewMessage[];
}

const RETRY_EVERY_MS = 2_000;
/** Turns that wait for MongoDB; more than these are lost, and said so in the log. */
const MOST_WAITING = 1_000;

export class Turns {
  readonly #conversations: Conversations;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #waiting: Kept[] = [];

  constructor(conversations: Conversations, log: Logger) {
    this.#conversations = conversations;
    this.#log = log;
    this.#timer = setInterval(() => void this.#retry(), RETRY_EVERY_MS).unref();
  }

  /**
   * Nothing is written: a conversation that begins is made with its first turn.
   * @throws {AppError} notFound for a conversation that is not the user's; databaseUnavailable.
   */
  async begin(request: TurnRequest): Promise<OpenTurn> {
    const { userId, asked } = request;
    const turn = await this.#turn(request);
    return {
      turn,
      withHistory: (messages) => withContext(messages, turn.context),
      answerId: (requestId) => answerIdOf(requestId, asked),
      keep: (requestId, said) => this.#keep({ userId, turn, requestId, messages: turnMessages(asked, said) }),
    };
  }

  /** Adds a turn once. Idempotent by the request's id. @throws {AppError} databaseUnavailable. */
  async add(userId: number, turn: Turn, requestId: string, asked: readonly NewMessage[], said: Said): Promise<void> {
    await this.#append({ userId, turn, requestId, messages: turnMessages(asked, said) });
  }

  /** Tries what waits once more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#retry();
    if (this.#waiting.length > 0) this.#log.error({ turns: this.#waiting.length }, 'turns are lost to conversations');
  }

  async #turn({ userId, conversationId, asked, hasHistory }: TurnRequest): Promise<Turn> {
    if (conversationId === undefined) {
      await this.#conversations.assertReachable();
      return { conversationId: newConversationId(), newTitle: newTitleOf(asked), context: [] };
    }
    if (hasHistory) {
      await this.#conversations.find(userId, conversationId);
      return { conversationId, context: [] };
    }
    const messages = await this.#conversations.recentContext(userId, conversationId);
    const earlier = messages.filter(({ content }) => content !== '');
    return { conversationId, context: earlier.map(({ role, content }) => ({ role, content })) };
  }

  async #keep(kept: Kept): Promise<void> {
    if (await this.#added(kept)) return;
    const { requestId, turn } = kept;
    const { conversationId } = turn;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#log.error({ conversationId, requestId }, 'a turn is lost to its conversation: too many wait for MongoDB');
      return;
    }
    this.#log.warn({ conversationId, requestId }, 'a turn is not in its conversation yet; it is added later');
    this.#waiting.push(kept);
  }

  async #retry(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [index, kept] of waiting.entries()) {
      if (await this.#added(kept)) {
        const { turn, requestId } = kept;
        this.#log.info({ conversationId: turn.conversationId, requestId }, 'a turn is in its conversation after all');
      } else {
        this.#waiting.push(...waiting.slice(index));
        return;
      }
    }
  }

  /** @returns false when MongoDB is away. */
  async #added(kept: Kept): Promise<boolean> {
    try {
      await this.#append(kept);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.kind === 'databaseUnavailable') return false;
      const { turn, requestId } = kept;
      this.#log.error({ err: error, conversationId: turn.conversationId, requestId }, 'a turn cannot be kept');
      return true;
    }
  }

  async #append({ userId, turn, requestId, messages }: Kept): Promise<void> {
    const { conversationId, newTitle } = turn;
    try {
      await this.#conversations.append(userId, conversationId, requestId, messages, newTitle);
    } catch (error) {
      if (!(error instanceof AppError && error.kind === 'notFound')) throw error;
      this.#log.info({ conversationId, requestId }, 'a turn is not kept: its conversation was deleted meanwhile');
    }
  }
}
