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
export type UsageGroup = (typeof USAGE_GROUPS)[number];

export interface UsageQuery {
  /** Whose calls; undefined = everyone's. */
  readonly userId: number | undefined;
  readonly groupBy: UsageGroup;
  /** The instant at which the first day begins. */
  readonly from: Date;
  /** The instant at which the last day ends. */
  readonly until: Date;
}

/** Charged calls of one group; of the fields before `requests` those that the grouping names. */
export interface UsageSum {
  readonly day?: string;
  readonly modelId?: number;
  readonly modelIdentifier?: string;
  readonly accessKeyId?: number | null;
  readonly accessKeyName?: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly images: number;
  readonly cost: bigint;
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
const usageSum = rowOf({
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

/** What a grouping selects, joins, sorts by and reads. */
interface Grouping {
  readonly columns: string;
  readonly join: string;
  readonly by: string;
  readonly read: (record: SqlRecord) => Partial<UsageSum>;
}

const GROUPINGS: Readonly<Record<UsageGroup, Grouping>> = {
  day: { columns: 't.day', join: '', by: 't.day', read: rowOf({ day: column.day }).read },
  model: {
    columns: `t.model_id, ${MODEL_NAME.column}`,
    join: MODEL_NAME.joinTo('t'),
    by: `t.model_id, ${MODEL_NAME.by}`,
    read: rowOf({ modelId: column.integer, modelIdentifier: column.text }).read,
  },
  accessKey: {
    columns: "t.access_key_id, COALESCE(k.name,'') AS access_key_name",
    join: 'LEFT JOIN access_keys k ON k.id=t.access_key_id',
    by: 't.access_key_id, k.name',
    read: rowOf({ accessKeyId: orNull(column.integer), accessKeyName: column.text }).read,
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

  /** Charged calls by day, model or access key, the same as in a statement of that time. Reads only matching rows, by index. */
  async usage(query: UsageQuery): Promise<UsageSum[]> {
    const { columns, join, by, read } = GROUPINGS[query.groupBy];
    return await select(
      this.#sequelize,
      (record) => ({ ...read(record), ...usageSum.read(record) }),
      `SELECT ${columns}, SUM(t.kind='charge') AS requests, SUM(t.prompt_tokens) AS prompt_tokens,
              SUM(t.cached_tokens) AS cached_tokens, SUM(t.completion_tokens) AS completion_tokens,
              SUM(t.image_count) AS images, -SUM(t.amount) AS cost
         FROM accounts a
         STRAIGHT_JOIN transfers t FORCE INDEX (ix_transfers_account_time) ON t.account_id=a.id ${join}
        WHERE ${query.userId === undefined ? 'TRUE' : "a.owner_kind='user' AND a.owner_id=:userId"}
          AND t.created_at>= :from AND t.created_at< :until AND t.kind IN ('charge','overrun')
        GROUP BY ${by} ORDER BY ${by}`,
      { userId: query.userId ?? null, from: query.from, until: query.until },
    );
  }
}
