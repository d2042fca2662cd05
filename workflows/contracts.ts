/**
 * What the API, the workers and the workflows agree on: names, task queues, inputs, signals, ids. Inputs hold
 * references only: no prompt, key or result text ever enters a history.
 */

export const TASK_QUEUES = {
  jobs: 'jobs',
  orders: 'orders',
  webhooks: 'webhooks',
  maintenance: 'maintenance',
} as const;

/**
 * Kinds of jobs and their workflows. The kind is the job's `type`, its modality in Temporal and the first word of its
 * title. A new kind is an entry here, which the compiler follows to its handler (activities/jobs/create-jobs.ts) and
 * the name of its workflow, exported by workflows/index.ts.
 */
export const JOB_KINDS = {
  chat: { workflow: 'chatJob' },
  image: { workflow: 'imageJob' },
  speech: { workflow: 'speechJob' },
  transcript: { workflow: 'transcriptJob' },
} as const satisfies Readonly<Record<string, { readonly workflow: string }>>;
export type JobType = keyof typeof JOB_KINDS;

type JobWorkflows = { readonly [Type in JobType as (typeof JOB_KINDS)[Type]['workflow']]: string };

export const WORKFLOWS = {
  chatJob: 'chatJob',
  imageJob: 'imageJob',
  speechJob: 'speechJob',
  transcriptJob: 'transcriptJob',
  orderExpiry: 'orderExpiry',
  webhookDelivery: 'webhookDelivery',
  batch: 'batch',
} as const satisfies JobWorkflows & Readonly<Record<string, string>>;
export type WorkflowName = keyof typeof WORKFLOWS;
/** Started by Temporal Schedules of the same names. */
export const SCHEDULED_WORKFLOWS = { ledgerReconciliation: 'ledgerReconciliation', retention: 'retention' } as const;

export interface JobInput {
  readonly jobId: string;
  readonly accountId: number;
  /** The longest that one run may take; the row has the deadline of the whole. */
  readonly deadlineMs: number;
  /** Of the request that submitted it, for logs. Absent in what earlier versions started. */
  readonly traceId?: string;
}

/** The end of a job as the workflow reports it; amounts as decimal text. */
export interface JobOutcome {
  readonly status: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  readonly cost: string;
  /** Row id of the provider key that answered, or null. */
  readonly providerKeyId: number | null;
  /** Of a failed job. Absent in what runs of an earlier version returned. */
  readonly errorCode?: number | null;
}

export interface OrderExpiryInput {
  readonly orderNo: string;
  readonly ttlMs: number;
}

export interface OrderOutcome {
  readonly status: 'COMPLETED' | 'FAILED' | 'PENDING';
  /** Milliseconds until the order expires by the database's clock; 0 when it is decided. */
  readonly remainingMs: number;
}

export interface WebhookDeliveryInput {
  readonly deliveryId: string;
  /** 0, or the number of the redelivery that this is. */
  readonly round: number;
}

export interface WebhookDeliveryOutcome {
  /** SUPERSEDED: a newer round has the delivery. */
  readonly status: 'DELIVERED' | 'FAILED' | 'DISABLED' | 'SUPERSEDED';
  readonly attempts: number;
}

export interface BatchInput {
  readonly batchId: string;
  readonly traceId: string;
  /** Lines from here on are to be run; absent: the batch has not begun. */
  readonly from?: number;
  readonly lineCount?: number;
}

export interface BatchOutcome {
  readonly status: string;
  readonly lineCount: number;
}

/** What a check of the ledger found. */
export interface LedgerCheck {
  readonly breaches: number;
  /** Names of the broken invariants. */
  readonly broken: readonly string[];
}

/** How much a round of retention removed. */
export interface Removed {
  readonly usageDocuments: number;
  readonly outboxPartitions: number;
  readonly webhookDeliveries: number;
  /** Absent in what earlier versions returned. */
  readonly jobPayloads?: number;
  readonly pictures?: number;
}

/** Signals of `orderExpiry`: hints that the database has decided; the row is the truth. */
export const ORDER_SIGNALS = { settled: 'settled' } as const;

/*
 * Ids of workflows, for people: kind, user, and the id that the user knows. Those of one user stand together and are found
 * by `WorkflowId STARTS_WITH "chat/user-42/"`. At most 64 characters, the width of the outbox. A row of a job, order or
 * batch keeps the id of its workflow, because earlier versions made others.
 */

export function jobWorkflowId({ type, userId, id }: JobIdentity): string {
  return `${type}/user-${userId}/${id}`;
}

export interface JobIdentity {
  readonly id: string;
  readonly type: JobType;
  readonly userId: number;
}

export function orderWorkflowId(userId: number, orderNo: string): string {
  return `order/user-${userId}/${orderNo}`;
}

export function batchWorkflowId(userId: number, batchId: string): string {
  return `batch/user-${userId}/${batchId}`;
}

/** Each redelivery is a workflow of its own: an id starts once. */
export function webhookWorkflowId(userId: number, deliveryId: string, round: number): string {
  const first = `webhook/user-${userId}/${deliveryId}`;
  return round === 0 ? first : `${first}/${round}`;
}

/** As earlier versions made it; a delivery's row does not say which version began its round. */
export function formerWebhookWorkflowId(deliveryId: string, round: number): string {
  return round === 0 ? `webhook:${deliveryId}` : `webhook:${deliveryId}:${round}`;
}

/** Search attributes that operators filter by. Never text of users. */
export const SEARCH_ATTRIBUTES = {
  Modality: 'KEYWORD',
  UserId: 'INT',
  Model: 'KEYWORD',
  Provider: 'KEYWORD',
  OrderNo: 'KEYWORD',
} as const;
export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;

/** Everything that Temporal needs to start one workflow; stored in the outbox until it is started. */
export interface WorkflowStart {
  readonly workflow: WorkflowName;
  readonly workflowId: string;
  readonly taskQueue: (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES];
  readonly input: JobInput | OrderExpiryInput | WebhookDeliveryInput | BatchInput;
  /** One line for `workflow list` and the detail view, at most 200 bytes. */
  readonly title: string;
  readonly searchAttributes: Readonly<Partial<Record<SearchAttributeName, string | number>>>;
  /** 1 (first) to 5; matters only when there is a backlog, and then before any user's share. */
  readonly priority?: number;
  /** Whose backlog it is counted to: one user's flood does not delay another's job. */
  readonly fairnessKey?: string;
  /** Weight of this backlog against others; 1 when it is left out. */
  readonly fairnessWeight?: number;
  /** The parent span in W3C's form; absent when telemetry was off. */
  readonly traceparent?: string;
}

const TITLE_BYTES = 200;

/** Cuts a title to what Temporal's summary takes, at a character's border. */
export function fitTitle(title: string): string {
  const { read } = new TextEncoder().encodeInto(title, new Uint8Array(TITLE_BYTES));
  return title.slice(0, read);
}
