/**
 * Conversations and messages in MongoDB. One conversation is found by its id alone and its owner compared here: on the
 * local stand-in only that is served by an index.
 */
import { type Model, Schema } from 'mongoose';
import type { Mongo } from '../../infra/mongo/connection.ts';
import { insertOnce } from '../../infra/mongo/insert-once.ts';
import { integer64 } from '../../infra/mongo/integer64.ts';
import type { Conversation, Message } from './conversation.ts';

interface ConversationDocument extends Omit<Conversation, 'conversationId'> {
  readonly _id: string;
  readonly userId: number;
  readonly deletedAt: Date | null;
}

type MessageDocument = Omit<Message, 'messageId'> & { readonly _id: string };

const conversationSchema = new Schema<ConversationDocument>(
  {
    _id: String,
    userId: Number,
    title: String,
    pinned: Boolean,
    lastModelIdentifier: String,
    lastMessageSummary: String,
    messageCount: Number,
    lastActiveAt: Date,
    createdAt: Date,
    updatedAt: Date,
    deletedAt: Date,
  },
  { collection: 'conversations', versionKey: false },
);
conversationSchema.index({ userId: 1, deletedAt: 1, pinned: -1, lastActiveAt: -1 });

const messageSchema = new Schema<MessageDocument>(
  {
    _id: String,
    conversationId: String,
    role: String,
    content: String,
    reasoningContent: String,
    imageUrls: [String],
    modelIdentifier: String,
    promptTokens: Number,
    completionTokens: Number,
    cost: { type: Schema.Types.BigInt },
    createdAt: Date,
  },
  { collection: 'messages', versionKey: false },
);
messageSchema.index({ conversationId: 1, createdAt: -1 });

/** What of a conversation can be changed. */
export type ConversationChange = Partial<
  Pick<ConversationDocument, 'title' | 'pinned' | 'updatedAt' | 'deletedAt' | 'lastActiveAt'>
>;

/** Every function throws AppError databaseUnavailable when MongoDB is away. */
export class ConversationStore {
  readonly #mongo: Mongo;
  readonly #conversations: Model<ConversationDocument>;
  readonly #messages: Model<MessageDocument>;

  constructor(mongo: Mongo) {
    this.#mongo = mongo;
    this.#conversations = mongo.connection.model<ConversationDocument>('Conversation', conversationSchema);
    this.#messages = mongo.connection.model<MessageDocument>('Message', messageSchema);
    mongo.whenConnected(() => Promise.all([this.#conversations.createIndexes(), this.#messages.createIndexes()]));
  }

  async assertReachable(): Promise<void> {
    await this.#mongo.ping();
  }

  /** @returns false when there is a conversation of this id, whosever it is. */
  async insert(userId: number, conversation: Conversation): Promise<boolean> {
    const { conversationId, ...rest } = conversation;
    const document = { _id: conversationId, userId, deletedAt: null, ...rest };
    return (await insertOnce(this.#mongo, this.#conversations, [document])) === 1;
  }

  /** @returns undefined when there is none, it is deleted or another user's. */
  async find(userId: number, conversationId: string): Promise<Conversation | undefined> {
    const found = await this.#mongo.use(() => this.#conversations.findOne({ _id: conversationId }).lean().exec());
    return found && found.userId === userId && found.deletedAt === null ? conversationOf(found) : undefined;
  }

  /** Pinned ones first, then those with the newest messages. @param before only those that are not pinned and rest since. */
  async recent(userId: number, limit: number, before?: Date): Promise<Conversation[]> {
    const older = before === undefined ? {} : { pinned: false, lastActiveAt: { $lt: before } };
    const found = await this.#mongo.use(() =>
      this.#conversations
        .find({ userId, deletedAt: null, ...older })
        .sort({ pinned: -1, lastActiveAt: -1 })
        .limit(limit)
        .lean()
        .exec(),
    );
    return found.map(conversationOf);
  }

  /** How many conversations the user has, deleted ones too as long as they are kept; counted up to `most`. */
  async count(userId: number, most: number): Promise<number> {
    return this.#mongo.use(() => this.#conversations.countDocuments({ userId }).limit(most).exec());
  }

  /** Removes at most `limit` conversations that were deleted before a time. Messages first. @returns how many. */
  async removeDeleted(before: Date, limit: number): Promise<number> {
    const deleted = await this.#mongo.use(() =>
      this.#conversations
        .find({ deletedAt: { $lt: before } }, { _id: 1 })
        .limit(limit)
        .lean()
        .exec(),
    );
    const ids = deleted.map(({ _id }) => _id);
    if (ids.length === 0) return 0;
    await this.#mongo.use(() => this.#messages.deleteMany({ conversationId: { $in: ids } }).exec());
    await this.#mongo.use(() => this.#conversations.deleteMany({ _id: { $in: ids } }).exec());
    return ids.length;
  }

  /** Changes a conversation that was found before. @returns as it then is; undefined when it has gone. */
  async change(conversationId: string, change: ConversationChange): Promise<Conversation | undefined> {
    const found = await this.#mongo.use(() =>
      this.#conversations
        .findOneAndUpdate({ _id: conversationId }, { $set: change }, { returnDocument: 'after' })
        .lean()
        .exec(),
    );
    return found ? conversationOf(found) : undefined;
  }

  /** Adds messages, oldest first; those that are there stay as they are. */
  async addMessages(messages: readonly Message[]): Promise<void> {
    const documents = messages.map(({ messageId, ...rest }) => ({ _id: messageId, ...rest }));
    await insertOnce(this.#mongo, this.#messages, documents);
  }

  async countMessages(conversationId: string): Promise<number> {
    return await this.#mongo.use(() => this.#messages.countDocuments({ conversationId }).exec());
  }

  /**
   * Notes what was added last. @param count of all messages that there are; one that was counted earlier and is noted
   * later changes nothing.
   */
  async noteMessages(
    conversationId: string,
    count: number,
    last: Pick<ConversationDocument, 'lastModelIdentifier' | 'lastMessageSummary' | 'lastActiveAt'>,
  ): Promise<void> {
    const update = { $max: { messageCount: count }, $set: { ...last, updatedAt: last.lastActiveAt } };
    await this.#mongo.use(() => this.#conversations.updateOne({ _id: conversationId }, update).exec());
  }

  /**
   * The newest `limit` messages before a time, newest first. Messages of one time are never torn apart, so that who asks
   * for those before the last one misses none: where they are at the end, there are a few more than `limit`.
   */
  async newestMessages(conversationId: string, limit: number, before?: Date): Promise<Message[]> {
    const earlier = { conversationId, ...(before && { createdAt: { $lt: before } }) };
    const found = await this.#messagesWhere(earlier, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1)?.createdAt;
    if (last === undefined || found[limit]?.createdAt.getTime() !== last.getTime()) return page;
    const later = page.filter(({ createdAt }) => createdAt.getTime() !== last.getTime());
    return [...later, ...(await this.#messagesWhere({ conversationId, createdAt: last }, 0))];
  }

  /** Newest first; a limit of 0 is none. */
  async #messagesWhere(
    filter: { readonly conversationId: string; readonly createdAt?: Date | { readonly $lt: Date } },
    limit: number,
  ): Promise<Message[]> {
    const found = await this.#mongo.use(() =>
      this.#messages.find(filter).sort({ createdAt: -1 }).limit(limit).lean().exec(),
    );
    return found.map(({ _id, cost, ...rest }) => ({
      ...rest,
      messageId: _id,
      cost: cost === null ? null : integer64.parse(cost),
    }));
  }
}

function conversationOf(document: ConversationDocument): Conversation {
  const { _id, userId: _userId, deletedAt: _deletedAt, ...rest } = document;
  return { conversationId: _id, ...rest };
}
