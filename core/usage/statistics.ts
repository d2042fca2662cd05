/** What was used, summed in MySQL: by model and day from the statistics, by day, model or key from the ledger. */
import type { Sequelize } from 'sequelize';
import { column, orNull, rowOf, type SqlRecord } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';

/** Local days (APP_TIME_ZONE) as yyyy-MM-dd, both included. */
export interface Days {
  readonly first: string;
  readonly last: string;
}

export interface ModelStatisticsFilter extends Days {
  readonly modelId?: number | undefined;
  readonly modelIdentifier?: string | undefined;
}

/** One model on one day; `cost` in nano-units. */
export interface ModelStatistics {
  readonly modelId: number;
  readonly modelIdentifier: string;
  readonly day: string;
  readonly requests: number;
  readonly successes: number;
  readonly failures: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly images: number;
  readonly cost: bigint;
}

export const USAGE_GROUPS = ['day', 'model', 'accessKey'] as const;
export const SPEND_GROUPS = [...USAGE_GROUPS, 'user', 'provider', 'tag'] as const;
type SpendGroup = (typeof SPEND_GROUPS)[number];

export interface UsageQuery {
  /** Whose calls; undefined = everyone's. */
  readonly userId: number | undefined;
  readonly groupBy: SpendGroup;
  /** The instant at which the first day begins. */
  readonly from: Date;
  /** The instant at which the last day ends. */
  readonly until: Date;
}

export interface SpendQuery extends UsageQuery {
  readonly accessKeyId?: number | undefined;
  readonly modelId?: number | undefined;
  /** How many groups; the others are summed. */
  readonly limit: number;
}

/** Charged calls. `cost` in nano-units. */
export interface ChargeSum {
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly images: number;
  readonly cost: bigint;
}

/** The groups and the rest are exactly the total. */
export interface Spend {
  readonly groups: readonly UsageSum[];
  readonly rest: ChargeSum;
  readonly total: ChargeSum;
}

/** Charged calls of one group; beside the sums those fields that the grouping names. */
export interface UsageSum extends ChargeSum {
  readonly day?: string;
  readonly modelId?: number;
  readonly modelIdentifier?: string;
  readonly accessKeyId?: number | null;
  readonly accessKeyName?: string;
  /** What may be shown of it; null for the calls without a key. */
  readonly accessKeyEnds?: { readonly publicPart: string; readonly lastFour: string } | null;
  readonly userId?: number;
  readonly username?: string;
  readonly providerId?: number | null;
  readonly providerName?: string;
  readonly tag?: string;
}

const modelStatistics = rowOf({
  day: column.day,
  modelId: column.integer,
  modelIdentifier: column.text,
  requests: column.integer,
  successes: column.integer,
  failures: column.integer,
  promptTokens: column.integer,
  completionTokens: column.integer,
  images: column.integer,
  cost: column.bigint,
});
const chargeSum = rowOf({
  requests: column.integer,
  promptTokens: column.integer,
  cachedTokens: column.integer,
  completionTokens: column.integer,
  images: column.integer,
  cost: column.bigint,
});

/** The name of a model, deleted or not: what a query selects, joins to the row that has a `model_id`, and groups by. */
export const MODEL_NAME = {
  column: "COALESCE(m.model_identifier,gone.model_identifier,'') AS model_identifier",
  joinTo: (row: 's' | 't') =>
    `LEFT JOIN models m ON m.id=${row}.model_id LEFT JOIN deleted_models gone ON gone.id=${row}.model_id`,
  by: 'm.model_identifier, gone.model_identifier',
} as const;

const keyGroup = rowOf({
  accessKeyId: orNull(column.integer),
  accessKeyName: column.text,
  publicPart: orNull(column.text),
  lastFour: orNull(column.text),
  userId: orNull(column.integer),
  username: column.text,
});

/** What a grouping selects, joins, sorts by and reads. */
interface Grouping {
  readonly columns: string;
  readonly join: string;
  readonly by: string;
  readonly read: (record: SqlRecord) => Partial<UsageSum>;
}

const GROUPINGS: Readonly<Record<SpendGroup, Grouping>> = {
  day: { columns: 't.day', join: '', by: 't.day', read: rowOf({ day: column.day }).read },
  model: {
    columns: `t.model_id, ${MODEL_NAME.column}`,
    join: MODEL_NAME.joinTo('t'),
    by: `t.model_id, ${MODEL_NAME.by}`,
    read: rowOf({ modelId: column.integer, modelIdentifier: column.text }).read,
  },
  accessKey: {
    columns: `t.access_key_id, COALESCE(k.name,'') AS access_key_name, k.public_part, k.last_four, k.user_id,
              COALESCE(u.username,'') AS username`,
    join: 'LEFT JOIN access_keys k ON k.id=t.access_key_id LEFT JOIN users u ON u.id=k.user_id',
    by: 't.access_key_id, k.name, k.public_part, k.last_four, k.user_id, u.username',
    read: (record) => {
      const { publicPart, lastFour, userId, ...key } = keyGroup.read(record);
      if (publicPart === null || lastFour === null || userId === null) return { ...key, accessKeyEnds: null };
      return { ...key, accessKeyEnds: { publicPart, lastFour }, userId };
    },
  },
  user: {
    columns: "a.owner_id AS user_id, COALESCE(u.username,'') AS username",
    join: 'LEFT JOIN users u ON u.id=a.owner_id',
    by: 'a.owner_id, u.username',
    read: rowOf({ userId: column.integer, username: column.text }).read,
  },
  provider: {
    columns: "COALESCE(t.provider_id,m.provider_id) AS provider_id, COALESCE(p.name,'') AS provider_name",
    join: `LEFT JOIN models m ON m.id=t.model_id
           LEFT JOIN providers p ON p.id=COALESCE(t.provider_id,m.provider_id)`,
    by: 'COALESCE(t.provider_id,m.provider_id), p.name',
    read: rowOf({ providerId: orNull(column.integer), providerName: column.text }).read,
  },
  tag: {
    columns: "COALESCE(k.tag,'') AS tag",
    join: 'LEFT JOIN access_keys k ON k.id=t.access_key_id',
    by: "COALESCE(k.tag,'')",
    read: rowOf({ tag: column.text }).read,
  },
};

export class Statistics {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** By day, then model. */
  async models(filter: ModelStatisticsFilter): Promise<ModelStatistics[]> {
    const { modelId = null, modelIdentifier = null, first, last } = filter;
    return await select(
      this.#sequelize,
      modelStatistics.read,
      `SELECT s.day, s.model_id, ${MODEL_NAME.column}, SUM(s.requests) AS requests, SUM(s.successes) AS successes,
              SUM(s.failures) AS failures, SUM(s.prompt_tokens) AS prompt_tokens,
              SUM(s.completion_tokens) AS completion_tokens, SUM(s.images) AS images, SUM(s.cost) AS cost
         FROM stats s ${MODEL_NAME.joinTo('s')}
        WHERE s.day BETWEEN :first AND :last
          AND (:modelId IS NULL OR s.model_id=:modelId)
          AND (:modelIdentifier IS NULL OR :modelIdentifier IN (${MODEL_NAME.by}))
        GROUP BY s.day, s.model_id, ${MODEL_NAME.by} ORDER BY s.day, s.model_id`,
      { first, last, modelId, modelIdentifier },
    );
  }

  /** Charged calls by group, the same as in a statement of that time. Reads only matching rows, by index. */
  async usage(query: UsageQuery): Promise<UsageSum[]> {
    return (await this.#grouped(query, GROUPINGS[query.groupBy].by)).map(({ group }) => group);
  }

  /** Charged calls by group, the dearest first (days in their order), and what all of them come to. */
  async spend(query: SpendQuery): Promise<Spend> {
    const { by } = GROUPINGS[query.groupBy];
    const order = query.groupBy === 'day' ? by : `cost DESC, ${by}`;
    const found = await this.#grouped(query, `${order} LIMIT :limit`);
    const groups = found.map(({ group }) => group);
    const total = found[0]?.total ?? NOTHING;
    return { groups, rest: groups.reduce(less, total), total };
  }

  /** Each with the total of all groups, also of those beyond a limit: the charges are read once. */
  async #grouped(
    query: UsageQuery & Partial<SpendQuery>,
    order: string,
  ): Promise<{ readonly group: UsageSum; readonly total: ChargeSum }[]> {
    const { columns, join, by, read } = GROUPINGS[query.groupBy];
    return await select(
      this.#sequelize,
      (record) => ({
        group: { ...read(record), ...chargeSum.read(record) },
        total: chargeSum.read(Object.fromEntries(SUMMED.map(([name]) => [name, record[`total_${name}`]]))),
      }),
      `SELECT ${columns}, ${SUMS} ${chargesOf(query, join)} GROUP BY ${by} ORDER BY ${order}`,
      valuesOf(query),
    );
  }
}

const SUMMED = [
  ['requests', "COALESCE(SUM(t.kind='charge'),0)"],
  ['prompt_tokens', 'COALESCE(SUM(t.prompt_tokens),0)'],
  ['cached_tokens', 'COALESCE(SUM(t.cached_tokens),0)'],
  ['completion_tokens', 'COALESCE(SUM(t.completion_tokens),0)'],
  ['images', 'COALESCE(SUM(t.image_count),0)'],
  ['cost', 'COALESCE(-SUM(t.amount),0)'],
] as const;
const SUMS = SUMMED.map(([name, sum]) => `${sum} AS ${name}, SUM(${sum}) OVER () AS total_${name}`).join(', ');

/** Charges of a time by the index of each account. */
function chargesOf(query: UsageQuery & Partial<SpendQuery>, join: string): string {
  const { userId, accessKeyId, modelId } = query;
  return `FROM accounts a
    STRAIGHT_JOIN transfers t FORCE INDEX (ix_transfers_account_time) ON t.account_id=a.id ${join}
   WHERE t.created_at>= :from AND t.created_at< :until AND t.kind IN ('charge','overrun')
     ${userId === undefined ? '' : "AND a.owner_kind='user' AND a.owner_id=:userId"}
     ${accessKeyId === undefined ? '' : 'AND t.access_key_id=:accessKeyId'}
     ${modelId === undefined ? '' : 'AND t.model_id=:modelId'}`;
}

function valuesOf(query: UsageQuery & Partial<SpendQuery>) {
  const { userId, accessKeyId, modelId, from, until, limit } = query;
  return { userId, accessKeyId, modelId, from, until, limit };
}

const NOTHING: ChargeSum = {
  ...{ requests: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0, images: 0, cost: 0n },
};

function less(whole: ChargeSum, part: ChargeSum): ChargeSum {
  return {
    requests: whole.requests - part.requests,
    promptTokens: whole.promptTokens - part.promptTokens,
    cachedTokens: whole.cachedTokens - part.cachedTokens,
    completionTokens: whole.completionTokens - part.completionTokens,
    images: whole.images - part.images,
    cost: whole.cost - part.cost,
  };
}
