/**
 * The usage log in MongoDB: documents that are written once, under the id of their request (`_id`), which is
 * time-ordered. Every list is served by an index; sums for people are MySQL's job.
 */
import { type Model, type QueryFilter, Schema } from 'mongoose';
import type { Mongo } from '../../infra/mongo/connection.ts';
import { insertOnce } from '../../infra/mongo/insert-once.ts';
import { integer64 } from '../../infra/mongo/integer64.ts';
import type { CallOutcome } from './performance.ts';
import { type UsageRecord, usageRecord } from './usage-record.ts';
import { type GroupSum, groupOf, plus, type UsageSums } from './usage-sums.ts';

type UsageDocument = Omit<UsageRecord, 'requestId'> & { readonly _id: string };

/** `refused_calls`: see `RefusedCalls`. */
type Collection = 'usage' | 'refused_calls';

/** Each has an index that ends with the id, so that its lists come in their order. */
const FILTERS = [
  ...([
    'userId',
    'accessKeyId',
    'modelId',
    'isSuccess',
    'isAsync',
    'traceId',
    'providerName',
    'providerKeyId',
  ] as const),
  ...(['attempts', 'errorCode', 'priceRule', 'doubt'] as const),
] as const;

/** Only `_id` and indexes: documents are written and read as their record says, without casts. */
function schemaOf(collection: Collection): Schema<UsageDocument> {
  const schema = new Schema<UsageDocument>({ _id: String }, { collection, versionKey: false, strict: false });
  for (const field of FILTERS) schema.index({ [field]: 1, _id: -1 });
  // For lists by time alone, retention, and the sums of reconciliation.
  schema.index({ createTime: -1 });
  schema.index({ day: 1 });
  return schema;
}

const SCHEMAS = { usage: schemaOf('usage'), refused_calls: schemaOf('refused_calls') } as const;

/** Which calls; an absent field does not filter. */
export interface UsageFilter {
  readonly userId?: number | undefined;
  readonly accessKeyId?: number | undefined;
  readonly modelId?: number | undefined;
  readonly isSuccess?: boolean | undefined;
  readonly isAsync?: boolean | undefined;
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly providerName?: string | undefined;
  readonly providerKeyId?: number | undefined;
  readonly attempts?: number | undefined;
  readonly errorCode?: number | undefined;
  /** A part of it, in upper or lower case. Looked for among the calls that failed. */
  readonly errorText?: string | undefined;
  readonly priceRule?: string | undefined;
  readonly doubt?: string | undefined;
  /** When the calls began, both ends included. */
  readonly startTime?: Date | undefined;
  readonly endTime?: Date | undefined;
  /** Only calls before this id, to continue after a page. */
  readonly before?: string | undefined;
}

const callOutcome = usageRecord.pick({
  ...{ day: true, modelId: true, modelIdentifier: true, accessKeyId: true, isSuccess: true, latencyMs: true },
});
const OUTCOME_FIELDS = {
  ...{ _id: 0, day: 1, modelId: 1, modelIdentifier: 1, accessKeyId: 1, isSuccess: 1, latencyMs: 1 },
} as const;

/** Lists of up to 10,000 calls, on the local stand-in by a scan. */
const LIST_MS = 10_000;
const WRITE_MS = 15_000;
/** A delete of this many documents takes a fraction of a second. */
const DELETE_BATCH = 2_000;

export class UsageStore {
  readonly #mongo: Mongo;
  readonly #model: Model<UsageDocument>;

  constructor(mongo: Mongo, collection: Collection = 'usage') {
    this.#mongo = mongo;
    this.#model = mongo.connection.model<UsageDocument>(collection, SCHEMAS[collection]);
    mongo.whenConnected(() => this.#model.createIndexes());
  }

  /**
   * Adds records. One that already exists is not changed, so repeating is safe.
   * @throws {AppError} databaseUnavailable; some may have been added.
   */
  async add(records: readonly UsageRecord[]): Promise<void> {
    const documents = records.map(({ requestId, ...rest }) => ({ _id: requestId, ...rest }));
    await insertOnce(this.#mongo, this.#model, documents, WRITE_MS);
  }

  /** The newest `limit` calls of those that match, newest first. */
  async newest(filter: UsageFilter, limit: number): Promise<UsageRecord[]> {
    const found = await this.#mongo.use(
      () => this.#model.find(conditionsOf(filter)).sort({ _id: -1 }).limit(limit).lean({ defaults: false }).exec(),
      LIST_MS,
    );
    return found.map(({ _id, ...rest }) => usageRecord.parse({ requestId: _id, ...rest }));
  }

  /** How the newest `limit` calls of those that match went. */
  async outcomes(filter: UsageFilter, limit: number): Promise<CallOutcome[]> {
    const found = await this.#mongo.use(
      () =>
        this.#model
          .find(conditionsOf(filter), OUTCOME_FIELDS)
          .sort({ _id: -1 })
          .limit(limit)
          .lean({ defaults: false })
          .exec(),
      LIST_MS,
    );
    return found.map((document) => callOutcome.parse(document));
  }

  /** What the lines of a batch came to, as far as they are in the log yet; found by the batch's trace. */
  async sumOfBatch(batchId: string, traceId: string): Promise<{ readonly calls: number; readonly charged: bigint }> {
    const lines = await this.#mongo.use(
      () => this.#model.find({ traceId, batchId }, { _id: 0, cost: 1 }).lean<{ cost: unknown }[]>().exec(),
      LIST_MS,
    );
    return { calls: lines.length, charged: lines.reduce((sum, { cost }) => sum + integer64.parse(cost), 0n) };
  }

  /** How the server would look for them; for tests. */
  async explain(filter: UsageFilter, limit: number): Promise<unknown> {
    return await this.#model.find(conditionsOf(filter)).sort({ _id: -1 }).limit(limit).explain('queryPlanner').exec();
  }

  /** The fields of each index; for tests. */
  async indexes(): Promise<string[][]> {
    const indexes = await this.#model.collection.indexes();
    return indexes.map(({ key }) => Object.keys(key));
  }

  /** Deletes calls that began before `time`, in portions. @returns how many. */
  async deleteBefore(time: Date): Promise<number> {
    let deleted = 0;
    for (;;) {
      const old = await this.#mongo.use(
        () =>
          this.#model
            .find({ createTime: { $lt: time } }, { _id: 1 })
            .sort({ createTime: 1 })
            .limit(DELETE_BATCH)
            .lean()
            .exec(),
        WRITE_MS,
      );
      if (old.length === 0) return deleted;
      const ids = old.map(({ _id }) => _id);
      const result = await this.#mongo.use(() => this.#model.deleteMany({ _id: { $in: ids } }).exec(), WRITE_MS);
      deleted += result.deletedCount;
      if (result.deletedCount === 0) return deleted;
    }
  }

  /** Sums of the calls of each local day from `firstDay` on, by model and by user. Reads every one of them once. */
  async sums(firstDay: string): Promise<UsageSums> {
    const sums = new Map<string, GroupSum>();
    for (let after = ''; ; ) {
      const page = await this.#summedPage(firstDay, after);
      for (const call of page) addCall(sums, call);
      const last = page.at(-1);
      if (last === undefined || page.length < SUMMED_PAGE) return sums;
      after = last._id;
    }
  }

  /** Summed here, not in MongoDB: FerretDB computes several sums in one $group wrongly, and pages keep queries short. */
  #summedPage(firstDay: string, after: string): Promise<SummedCall[]> {
    return this.#mongo.use(
      () =>
        this.#model
          .find({ day: { $gte: firstDay }, _id: { $gt: after } }, SUMMED_FIELDS)
          .sort({ _id: 1 })
          .hint({ _id: 1 })
          .limit(SUMMED_PAGE)
          .lean<SummedCall[]>({ defaults: false })
          .exec(),
      WRITE_MS,
    );
  }
}

const SUMMED_PAGE = 5_000;
const SUMMED_FIELDS = {
  ...{ day: 1, userId: 1, modelId: 1, isSuccess: 1, cost: 1 },
  ...{ promptTokens: 1, completionTokens: 1, imageCount: 1 },
} as const;
type SummedCall = Pick<UsageDocument, '_id' | Exclude<keyof typeof SUMMED_FIELDS, 'cost'>> & { readonly cost: unknown };

function addCall(sums: Map<string, GroupSum>, call: SummedCall): void {
  const add = (group: string, sum: GroupSum) => sums.set(group, plus(sums.get(group), sum));
  const { day, userId, modelId } = call;
  if (!call.isSuccess) {
    // A call that failed before a model was chosen belongs to no model.
    if (modelId !== null) add(groupOf(day, 'model', modelId), { failures: 1n });
    return;
  }
  const cost = integer64.parse(call.cost);
  add(groupOf(day, 'user', userId), { calls: 1n, cost });
  if (modelId === null) return;
  add(groupOf(day, 'model', modelId), {
    ...{ calls: 1n, cost, promptTokens: BigInt(call.promptTokens) },
    ...{ completionTokens: BigInt(call.completionTokens), images: BigInt(call.imageCount) },
  });
}

function conditionsOf(filter: UsageFilter): QueryFilter<UsageDocument> {
  const { startTime, endTime, before, requestId, errorText, ...equal } = filter;
  const conditions: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(equal)) if (value !== undefined) conditions[field] = value;
  if (startTime || endTime) {
    conditions.createTime = { ...(startTime && { $gte: startTime }), ...(endTime && { $lte: endTime }) };
  }
  if (errorText !== undefined) {
    conditions.isSuccess ??= false;
    // Not RegExp.escape: what it makes of some characters is no pattern to MongoDB.
    conditions.errorText = { $regex: errorText.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), $options: 'i' };
  }
  if (before !== undefined || requestId !== undefined) {
    conditions._id = {
      ...(before !== undefined && { $lt: before }),
      ...(requestId !== undefined && { $eq: requestId }),
    };
  }
  return conditions;
}
