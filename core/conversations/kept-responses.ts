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
  /** Of `input` and `response`; absent in those of before. */
  readonly bytes: number;
  readonly createdAt: Date;
}

/** As long as OpenAI keeps them. */
const KEPT_MS = 30 * 86_400_000;
/** A document of MongoDB has 16 MB. */
const LARGEST_BYTES = 15_000_000;
/** What a user has is summed again after each of so many parts of what it may have. */
const PARTS = 16;
const DELETE_AT_ONCE = 500;

const schema = new Schema<ResponseDocument>(
  {
    _id: String,
    userId: Number,
    earlier: [String],
    earlierSize: Number,
    input: String,
    response: String,
    bytes: Number,
    createdAt: Date,
  },
  { collection: 'responses', versionKey: false },
);
schema.index({ createdAt: 1 });
schema.index({ userId: 1, createdAt: -1 });

/** Every function but `keep` throws AppError databaseUnavailable when MongoDB is away. */
export class KeptResponses {
  readonly #mongo: Mongo;
  readonly #log: Logger;
  readonly #responses: Model<ResponseDocument>;
  readonly #bytesPerUser: number;
  /** What this process has kept of a user since it has summed what the user has. */
  readonly #keptSince = new Map<number, number>();

  /** @param bytesPerUser above that the oldest ones of a user give way. */
  constructor(mongo: Mongo, log: Logger, bytesPerUser: number) {
    this.#mongo = mongo;
    this.#log = log;
    this.#bytesPerUser = bytesPerUser;
    this.#responses = mongo.connection.model<ResponseDocument>('Response', schema);
    mongo.whenConnected(() => this.#responses.createIndexes());
  }

  /** Idempotent by its id. The answer has been paid for and is given all the same where it cannot be kept. */
  async keep(kept: KeptResponse): Promise<void> {
    const { id, ...rest } = kept;
    const bytes = Buffer.byteLength(rest.input) + Buffer.byteLength(rest.response);
    if (bytes > LARGEST_BYTES) {
      this.#log.warn({ responseId: id, bytes }, 'a response is not kept: it is too large');
      return;
    }
    try {
      const document = { _id: id, createdAt: new Date(), bytes, ...rest, earlier: [...rest.earlier] };
      await insertOnce(this.#mongo, this.#responses, [document]);
      await this.#makeRoom(rest.userId, bytes);
    } catch (error) {
      this.#log.error({ err: error, responseId: id }, 'a response is not kept');
    }
  }

  /** Summed here: FerretDB computes sums of its own wrongly. */
  async #makeRoom(userId: number, added: number): Promise<void> {
    const since = (this.#keptSince.get(userId) ?? 0) + added;
    if (since < this.#bytesPerUser / PARTS) {
      this.#keptSince.set(userId, since);
      return;
    }
    this.#keptSince.delete(userId);
    const all = await this.#mongo.use(() =>
      this.#responses.find({ userId }, { bytes: 1 }).sort({ createdAt: -1 }).lean().exec(),
    );
    let sum = 0;
    const old = all.filter(({ bytes = 0 }) => {
      sum += bytes;
      return sum > this.#bytesPerUser;
    });
    if (old.length > 0)
      this.#log.info({ userId, responses: old.length }, 'the oldest kept responses of a user give way');
    for (let from = 0; from < old.length; from += DELETE_AT_ONCE) {
      const ids = old.slice(from, from + DELETE_AT_ONCE).map(({ _id }) => _id);
      await this.#mongo.use(() => this.#responses.deleteMany({ _id: { $in: ids } }).exec());
    }
  }

  /** @returns undefined when there is none or it is another user's. */
  async find(userId: number, id: string): Promise<KeptResponse | undefined> {
    const found = await this.#mongo.use(() => this.#responses.findOne({ _id: id }).lean().exec());
    if (!found || found.userId !== userId) return undefined;
    const { _id, createdAt: _createdAt, bytes: _bytes, ...rest } = found;
    return { id: _id, ...rest };
  }

  /** Of its texts, without reading them; undefined when there is none, or it was kept before they were counted. */
  async bytesOf(userId: number, id: string): Promise<number | undefined> {
    const found = await this.#mongo.use(() =>
      this.#responses.findOne({ _id: id }, { userId: 1, bytes: 1 }).lean().exec(),
    );
    return found?.userId === userId ? found.bytes : undefined;
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
