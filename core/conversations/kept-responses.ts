/**
 * Responses of OpenAI's Responses form, kept so that a client may ask for them again and go on from them: what was asked
 * anew and what was answered, with the calls of tools and thoughts that messages of a conversation leave out.
 */
import { type Model, Schema } from 'mongoose';
import type { Logger } from '../../infra/logger.ts';
import type { Mongo } from '../../infra/mongo/connection.ts';
import { insertOnce } from '../../infra/mongo/insert-once.ts';

export interface KeptResponse {
  /** The part of its id behind the prefix. */
  readonly id: string;
  readonly userId: number;
  /** The ids of those before it in its conversation, oldest first. */
  readonly earlier: readonly string[];
  /** Of the texts of those before it, in characters. */
  readonly earlierSize: number;
  /** Its new items as JSON text. */
  readonly input: string;
  /** The response as JSON text. */
  readonly response: string;
}

interface ResponseDocument extends Omit<KeptResponse, 'id'> {
  readonly _id: string;
  readonly createdAt: Date;
}

/** As long as OpenAI keeps them. */
const KEPT_MS = 30 * 86_400_000;
/** A document of MongoDB has 16 MB. */
const LARGEST = 8_000_000;

const schema = new Schema<ResponseDocument>(
  {
    _id: String,
    userId: Number,
    earlier: [String],
    earlierSize: Number,
    input: String,
    response: String,
    createdAt: Date,
  },
  { collection: 'responses', versionKey: false },
);
schema.index({ createdAt: 1 });

/** Every function but `keep` throws AppError databaseUnavailable when MongoDB is away. */
export class KeptResponses {
  readonly #mongo: Mongo;
  readonly #log: Logger;
  readonly #responses: Model<ResponseDocument>;

  constructor(mongo: Mongo, log: Logger) {
    this.#mongo = mongo;
    this.#log = log;
    this.#responses = mongo.connection.model<ResponseDocument>('Response', schema);
    mongo.whenConnected(() => this.#responses.createIndexes());
  }

  /** Idempotent by its id. The answer has been paid for and is given all the same where it cannot be kept. */
  async keep(kept: KeptResponse): Promise<void> {
    const { id, ...rest } = kept;
    if (sizeOf(kept) > LARGEST) {
      this.#log.warn({ responseId: id, characters: sizeOf(kept) }, 'a response is not kept: it is too large');
      return;
    }
    try {
      const document = { _id: id, createdAt: new Date(), ...rest, earlier: [...rest.earlier] };
      await insertOnce(this.#mongo, this.#responses, [document]);
    } catch (error) {
      this.#log.error({ err: error, responseId: id }, 'a response is not kept');
    }
  }

  /** @returns undefined when there is none or it is another user's. */
  async find(userId: number, id: string): Promise<KeptResponse | undefined> {
    const found = await this.#mongo.use(() => this.#responses.findOne({ _id: id }).lean().exec());
    if (!found || found.userId !== userId) return undefined;
    const { _id, createdAt: _createdAt, ...rest } = found;
    return { id: _id, ...rest };
  }

  /** @returns whether there was one. */
  async remove(userId: number, id: string): Promise<boolean> {
    if ((await this.find(userId, id)) === undefined) return false;
    await this.#mongo.use(() => this.#responses.deleteOne({ _id: id }).exec());
    return true;
  }

  /** Removes at most `limit` of those that were kept long enough. @returns how many. */
  async removeExpired(limit: number): Promise<number> {
    const before = new Date(Date.now() - KEPT_MS);
    const expired = await this.#mongo.use(() =>
      this.#responses
        .find({ createdAt: { $lt: before } }, { _id: 1 })
        .limit(limit)
        .lean()
        .exec(),
    );
    const ids = expired.map(({ _id }) => _id);
    if (ids.length > 0) await this.#mongo.use(() => this.#responses.deleteMany({ _id: { $in: ids } }).exec());
    return ids.length;
  }
}

/** What it adds to a conversation, in characters. */
export function sizeOf({ input, response }: Pick<KeptResponse, 'input' | 'response'>): number {
  return input.length + response.length;
}
