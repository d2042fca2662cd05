/**
 * The usage log in MongoDB: documents that are written once, under the id of their request (`_id`), which is
 * time-ordered. Every list is served by an index; sums for people are MySQL's job.
 */
import { type Model, type PipelineStage, type QueryFilter, Schema } from 'mongoose';
import type { Mongo } from '../../infra/mongo/connection.ts';
import { insertOnce } from '../../infra/mongo/insert-once.ts';
import { integer64 } from '../../infra/mongo/integer64.ts';
import { type UsageEntry, usageEntry } from './usage-entry.ts';

type UsageDocument = Omit<UsageEntry, 'requestId'> & { readonly _id: string };

const INTEGER = { type: Number };
const schema = new Schema<UsageDocument>(
  {
    _id: String,
    traceId: String,
    userId: INTEGER,
    accessKeyId: INTEGER,
    modelId: INTEGER,
    modelIdentifier: String,
    providerName: String,
    providerKeyId: INTEGER,
    attempts: INTEGER,
    promptTokens: INTEGER,
    cachedTokens: INTEGER,
    completionTokens: INTEGER,
    imageCount: INTEGER,
    estimated: Boolean,
    latencyMs: INTEGER,
    ttftMs: INTEGER,
    isAsync: Boolean,
    isSuccess: Boolean,
    errorCode: INTEGER,
    day: String,
    cost: { type: Schema.Types.BigInt },
    createTime: Date,
  },
  { collection: 'usage', versionKey: false },
);
for (const field of ['userId', 'accessKeyId', 'modelId', 'isSuccess', 'isAsync'] as const) {
  schema.index({ [field]: 1, _id: -1 });
}
// For lists by time alone, retention, and the sums of reconciliation.
schema.index({ createTime: -1 });
schema.index({ day: 1 });

/** Which entries; what is left out does not matter. */
export interface UsageFilter {
  readonly userId?: number | undefined;
  readonly accessKeyId?: number | undefined;
  readonly modelId?: number | undefined;
  readonly isSuccess?: boolean | undefined;
  readonly isAsync?: boolean | undefined;
  /** When the calls began, both ends included. */
  readonly startTime?: Date | undefined;
  readonly endTime?: Date | undefined;
  /** Only entries before this id, to go on from a page. */
  readonly before?: string | undefined;
}

/** Lists of up to 10,000 entries, on the local stand-in by a scan. */
const LIST_MS = 10_000;
const WRITE_MS = 15_000;
/** A delete of this many documents takes a fraction of a second. */
const DELETE_BATCH = 2_000;

export class UsageStore {
  readonly #mongo: Mongo;
  readonly #model: Model<UsageDocument>;

  constructor(mongo: Mongo) {
    this.#mongo = mongo;
    this.#model = mongo.connection.model<UsageDocument>('Usage', schema);
    mongo.whenConnected(() => this.#model.createIndexes());
  }

  /**
   * Adds entries; one whose request is already there stays as it is, so that a repeated write changes nothing.
   * @throws {AppError} databaseUnavailable; some of them may be there then.
   */
  async add(entries: readonly UsageEntry[]): Promise<void> {
    const documents = entries.map(({ requestId, ...rest }) => ({ _id: requestId, ...rest }));
    await insertOnce(this.#mongo, this.#model, documents, WRITE_MS);
  }

  /** The newest `limit` entries of those that match, newest first. */
  async newest(filter: UsageFilter, limit: number): Promise<UsageEntry[]> {
    const found = await this.#mongo.use(
      () => this.#model.find(conditionsOf(filter)).sort({ _id: -1 }).limit(limit).lean({ defaults: false }).exec(),
      LIST_MS,
    );
    return found.map(({ _id, ...rest }) => usageEntry.parse({ requestId: _id, ...rest }));
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

  /** What was charged, and how many calls succeeded, for each local day from `firstDay` on. */
  async sumsByDay(firstDay: string): Promise<Map<string, UsageDaySum>> {
    // One sum a query: FerretDB gets two in one $group wrong.
    const from = { $match: { day: { $gte: firstDay }, isSuccess: true } };
    const costs = await this.#sum([from, { $group: { _id: '$day', value: { $sum: '$cost' } } }]);
    const calls = await this.#sum([from, { $group: { _id: '$day', value: { $sum: 1 } } }]);
    return new Map([...costs].map(([day, cost]) => [day, { cost, calls: Number(calls.get(day) ?? 0n) }]));
  }

  async #sum(stages: PipelineStage[]): Promise<Map<string, bigint>> {
    const rows = await this.#mongo.use(() => this.#model.aggregate<DayValue>(stages).exec(), WRITE_MS);
    return new Map(rows.map(({ _id, value }) => [_id, integer64.parse(value)]));
  }
}

export interface UsageDaySum {
  /** Nano-units. */
  readonly cost: bigint;
  readonly calls: number;
}

interface DayValue {
  readonly _id: string;
  readonly value: unknown;
}

function conditionsOf(filter: UsageFilter): QueryFilter<UsageDocument> {
  const { startTime, endTime, before, ...equal } = filter;
  const conditions: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(equal)) if (value !== undefined) conditions[field] = value;
  if (startTime || endTime) {
    conditions.createTime = { ...(startTime && { $gte: startTime }), ...(endTime && { $lte: endTime }) };
  }
  if (before !== undefined) conditions._id = { $lt: before };
  return conditions;
}
