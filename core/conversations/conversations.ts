/** Kept conversations of users. Whoever asks names the user; another user's conversation is as good as none. */
import { AppError } from '../../infra/errors.ts';
import {
  type Conversation,
  conversationIdOf,
  DEFAULT_TITLE,
  type Message,
  messagesOf,
  type NewMessage,
  summaryOf,
} from './conversation.ts';
import type { ConversationChange, ConversationStore } from './store.ts';

/**
 * Every function throws AppError: notFound when the conversation is not the user's, is deleted or was never there;
 * databaseUnavailable when MongoDB is away.
 */
/** Empty ones are free; those that a call begins are paid for and never refused. */
const MOST_OF_A_USER = 10_000;
const FULL_RETRY_SECONDS = 3_600;
const DELETED_KEPT_MS = 30 * 86_400_000;

export class Conversations {
  readonly #store: ConversationStore;

  constructor(store: ConversationStore) {
    this.#store = store;
  }

  async create(userId: number, operationId: string, title: string = DEFAULT_TITLE): Promise<Conversation> {
    const conversation = newConversation(conversationIdOf(operationId), title);
    if ((await this.#store.count(userId, MOST_OF_A_USER)) >= MOST_OF_A_USER) {
      const known = await this.#store.find(userId, conversation.conversationId);
      if (known) return known;
      const message = `a user may have at most ${MOST_OF_A_USER} conversations; deleted ones count for 30 days`;
      throw new AppError('tooManyRequests', message, { retryAfterSeconds: FULL_RETRY_SECONDS });
    }
    if (await this.#store.insert(userId, conversation)) return conversation;
    return this.find(userId, conversation.conversationId);
  }

  /** @throws {AppError} databaseUnavailable. */
  assertReachable(): Promise<void> {
    return this.#store.assertReachable();
  }

  /** Pinned ones first, then the newest; with `before` those behind them that were active before that time. */
  recent(userId: number, limit: number, before?: Date): Promise<Conversation[]> {
    return this.#store.recent(userId, limit, before);
  }

  async find(userId: number, conversationId: string): Promise<Conversation> {
    const found = await this.#store.find(userId, conversationId);
    if (!found) throw noSuchConversation();
    return found;
  }

  async change(
    userId: number,
    conversationId: string,
    change: Pick<ConversationChange, 'title' | 'pinned'>,
  ): Promise<Conversation> {
    await this.find(userId, conversationId);
    const changed = await this.#store.change(conversationId, { ...change, updatedAt: new Date() });
    if (!changed) throw noSuchConversation();
    return changed;
  }

  /** It is kept for 30 days, and shown to nobody. */
  async delete(userId: number, conversationId: string): Promise<void> {
    await this.find(userId, conversationId);
    const now = new Date();
    await this.#store.change(conversationId, { deletedAt: now, updatedAt: now });
  }

  /** Removes what was deleted long ago, at most `limit` conversations. @returns how many. */
  removeDeleted(limit: number): Promise<number> {
    return this.#store.removeDeleted(new Date(Date.now() - DELETED_KEPT_MS), limit);
  }

  /** The newest `limit` messages before a time, oldest first. */
  async messages(userId: number, conversationId: string, limit: number, before?: Date): Promise<Message[]> {
    await this.find(userId, conversationId);
    return (await this.#store.newestMessages(conversationId, limit, before)).reverse();
  }

  /** The messages that a new call sends to the model: the last ones, oldest first. */
  recentContext(userId: number, conversationId: string, limit = 10): Promise<Message[]> {
    return this.messages(userId, conversationId, limit);
  }

  /**
   * Keeps the messages of one call, in their order. Idempotent by the call's id, wherever it was interrupted.
   * @param newTitle of a conversation that begins with these messages.
   * @returns the messages as they are kept.
   */
  async append(
    userId: number,
    conversationId: string,
    requestId: string,
    messages: readonly NewMessage[],
    newTitle?: string,
  ): Promise<Message[]> {
    const known = await this.#store.find(userId, conversationId);
    const conversation = known ?? (await this.#begin(userId, conversationId, newTitle));
    const kept = messagesOf(conversationId, requestId, messages, conversation.lastActiveAt, Date.now());
    const last = kept.at(-1);
    if (last === undefined) return [];
    await this.#store.addMessages(kept);
    const modelIdentifier = kept.findLast((message) => message.modelIdentifier !== null)?.modelIdentifier;
    const noted = {
      lastModelIdentifier: modelIdentifier ?? conversation.lastModelIdentifier,
      lastMessageSummary: summaryOf(last.content),
      lastActiveAt: last.createdAt,
    };
    // Counted, not added up: an earlier try may have ended in between. And again after it was noted: the local stand-in
    // can lose one of two updates at once, but never the last, and whoever made that sees here that it was too low.
    for (let before = -1, count = await this.#store.countMessages(conversationId); count !== before; ) {
      await this.#store.noteMessages(conversationId, count, noted);
      before = count;
      count = await this.#store.countMessages(conversationId);
    }
    return kept;
  }

  async #begin(userId: number, conversationId: string, newTitle: string | undefined): Promise<Conversation> {
    if (newTitle === undefined) throw noSuchConversation();
    const conversation = newConversation(conversationId, newTitle);
    if (await this.#store.insert(userId, conversation)) return conversation;
    // Deleted meanwhile, or begun by another try just now.
    return this.find(userId, conversationId);
  }
}

function newConversation(conversationId: string, title: string): Conversation {
  const now = new Date();
  return {
    conversationId,
    title,
    pinned: false,
    lastModelIdentifier: null,
    lastMessageSummary: null,
    messageCount: 0,
    lastActiveAt: now,
    createdAt: now,
    updatedAt: now,
  };
}

function noSuchConversation(): AppError {
  return new AppError('notFound', 'there is no such conversation');
}
