/** What the API knows under one id, as events in the order of their times. */
import { useQueries } from '@tanstack/react-query';
import { ApiError } from '../api/api-error.ts';
import { client } from '../api/client.ts';
import type { operations } from '../api/generated/schema.ts';

type Answers<Name extends keyof operations> = operations[Name] extends {
  responses: { 200: { content: { 'application/json': infer Answer } } };
}
  ? Answer
  : never;
type Call = Answers<'queryCalls'>[number];
type Job = Answers<'getAnyJob'>;
type Movements = Answers<'getMovements'>;
type Order = Answers<'getAnyOrder'>['order'];
type Change = Answers<'listAuditRecords'>['records'][number];
type Delivery = Answers<'listAllDeliveries'>['records'][number];

export type EventText =
  | 'lookup.call'
  | 'lookup.jobSubmitted'
  | 'lookup.jobStarted'
  | 'lookup.jobEnded'
  | 'lookup.cancelRequested'
  | 'lookup.held'
  | 'lookup.order'
  | 'lookup.orderPaid'
  | 'lookup.delivery';

export interface Event {
  readonly key: string;
  readonly at: string;
  readonly kind: 'call' | 'job' | 'money' | 'hold' | 'order' | 'audit' | 'delivery';
  readonly name:
    | { readonly text: EventText; readonly about?: string }
    | { readonly transfer: Movements['transfers'][number]['kind'] }
    | { readonly action: string };
  readonly failed: boolean;
  readonly to?: string;
  readonly amount?: string;
  readonly userId?: number;
  readonly username?: string;
  readonly by?: string;
  readonly attempts?: { readonly provider: string; readonly count: number };
  readonly error?: string | null;
}

/** What is looked up of single calls and jobs of a trace. */
const MOST_FOLLOWED = 20;
const MOST_CALLS = 200;
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** 404 is an answer: there is none. */
async function found<T>(asked: Promise<{ data?: T }>): Promise<T | null> {
  try {
    return (await asked).data ?? null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export function useEvents(id: string) {
  const isUuid = UUID.test(id);
  const [ofTrace, ofRequest, jobsOfTrace, job, order, changes, changesOf] = useQueries({
    queries: [
      query(['calls of trace', id], () =>
        found(client.POST('/v1/statistics/logs/query', { body: { traceId: id, limit: MOST_CALLS, sortDesc: true } })),
      ),
      query(['call', id], () => found(client.POST('/v1/statistics/logs/query', { body: { requestId: id } }))),
      query(['jobs of trace', id], () =>
        found(client.GET('/v1/admin/jobs', { params: { query: { traceId: id, pageSize: MOST_FOLLOWED } } })),
      ),
      query(
        ['job', id],
        () => found(client.GET('/v1/admin/jobs/{jobId}', { params: { path: { jobId: id } } })),
        isUuid,
      ),
      query(
        ['order', id],
        () => found(client.GET('/v1/admin/orders/{orderNo}', { params: { path: { orderNo: id } } })),
        isUuid,
      ),
      query(['changes in trace', id], () =>
        found(client.GET('/v1/audit', { params: { query: { traceId: id, pageSize: 100 } } })),
      ),
      query(['changes of', id], () =>
        found(client.GET('/v1/audit', { params: { query: { targetId: id, pageSize: 100 } } })),
      ),
    ],
  });
  const calls = unique([...(ofTrace.data ?? []), ...(ofRequest.data ?? [])], (one) => one.id);
  const jobs = unique([...(jobsOfTrace.data?.records ?? []), ...(job.data ? [job.data] : [])], (one) => one.jobId);
  const moved = unique([id, ...calls.map((one) => one.id), ...jobs.map((one) => one.jobId)], String);
  const money = useQueries({
    queries: moved
      .slice(0, MOST_FOLLOWED)
      .map((one) =>
        query(['movements', one], () =>
          found(client.GET('/v1/admin/transfers/{id}', { params: { path: { id: one } } })),
        ),
      ),
  });
  const sent = useQueries({
    queries: jobs
      .slice(0, MOST_FOLLOWED)
      .map(({ jobId }) =>
        query(['deliveries', jobId], () =>
          found(client.GET('/v1/admin/webhook-deliveries', { params: { query: { jobId } } })),
        ),
      ),
  });
  const asked = [ofTrace, ofRequest, jobsOfTrace, job, order, changes, changesOf, ...money, ...sent];
  const records = [...(changes.data?.records ?? []), ...(changesOf.data?.records ?? [])];
  const events = [
    ...calls.map(callEvent),
    ...jobs.flatMap(jobEvents),
    ...(order.data ? orderEvents(order.data.order) : []),
    ...unique(records, (record) => String(record.id)).map(changeEvent),
    ...money.flatMap(({ data }) => (data ? moneyEvents(data) : [])),
    ...sent.flatMap(({ data }) => data?.records.map(deliveryEvent) ?? []),
  ];
  return {
    events: events.sort((one, other) => new Date(one.at).getTime() - new Date(other.at).getTime()),
    isPending: asked.some(({ isLoading }) => isLoading),
    failures: unique(
      asked.flatMap(({ error }) => (error === null ? [] : [error])),
      String,
    ),
    retry: () => Promise.all(asked.filter(({ error }) => error !== null).map(({ refetch }) => refetch())),
    traceId: calls[0]?.traceId ?? jobs[0]?.traceId ?? undefined,
  };
}

function query<T>(name: readonly string[], queryFn: () => Promise<T>, enabled = true) {
  return { queryKey: ['look-up', ...name], queryFn, enabled };
}

function unique<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()];
}

function callEvent(call: Call): Event {
  const { id, createTime, modelIdentifier, isSuccess, errorCode, errorText, attempts, providerName } = call;
  const { userId, username } = call;
  return {
    ...{ key: `call ${id}`, at: createTime, kind: 'call', failed: !isSuccess, userId, username },
    name: { text: 'lookup.call', about: modelIdentifier },
    attempts: { provider: providerName ?? '–', count: attempts },
    error: isSuccess ? null : [errorCode, errorText].filter((part) => part !== null).join(': '),
  };
}

function jobEvents(job: Job): Event[] {
  const { jobId, userId, username, status } = job;
  const shared = { kind: 'job', failed: false } as const;
  const step = (at: string | null, text: EventText): Event[] =>
    at === null ? [] : [{ ...shared, key: `${text} ${jobId}`, at, name: { text } }];
  const failed = status === 'FAILED' || status === 'CANCELLED';
  return [
    {
      ...{ ...shared, key: `job ${jobId}`, at: job.createdAt, to: `/all-jobs?job=${jobId}`, userId, username },
      name: { text: 'lookup.jobSubmitted', about: job.modelName },
    },
    ...step(job.startedAt, 'lookup.jobStarted'),
    ...step(job.cancelRequestedAt, 'lookup.cancelRequested'),
    ...step(job.finishedAt, 'lookup.jobEnded').map((event) => ({ ...event, failed, error: job.errorMessage })),
  ];
}

function orderEvents(order: Order): Event[] {
  const { orderNo, userId, username, amount, createdAt, paidAt } = order;
  const shared = { kind: 'order', failed: false, to: `/all-orders?order=${orderNo}` } as const;
  return [
    { ...shared, key: `order ${orderNo}`, at: createdAt, name: { text: 'lookup.order' }, amount, userId, username },
    ...(paidAt === undefined
      ? []
      : [{ ...shared, key: `paid ${orderNo}`, at: paidAt, name: { text: 'lookup.orderPaid' } } as const]),
  ];
}

function moneyEvents({ transfers, hold }: Movements): Event[] {
  return [
    ...(hold === null
      ? []
      : [
          {
            ...({ key: `hold ${hold.id}`, at: hold.createdAt, kind: 'hold', failed: false } as const),
            ...{ amount: hold.amount, name: { text: 'lookup.held' } as const },
          },
        ]),
    ...transfers.map(({ id, kind, amount, createdAt, userId, note }): Event => {
      const shared = { key: `${kind} ${id}`, at: createdAt, kind: 'money', failed: false } as const;
      return { ...shared, name: { transfer: kind }, amount, error: note, to: `/ledger?userId=${userId}` };
    }),
  ];
}

function changeEvent({ id, createdAt, action, actorName, targetId }: Change): Event {
  const to = `/audit?targetId=${encodeURIComponent(targetId)}`;
  return { key: `audit ${id}`, at: createdAt, kind: 'audit', failed: false, name: { action }, by: actorName, to };
}

function deliveryEvent({ id, jobId, url, status, lastError, updatedAt }: Delivery): Event {
  return {
    ...{ key: `delivery ${id}`, at: updatedAt, kind: 'delivery', failed: status === 'FAILED', error: lastError },
    ...{ name: { text: 'lookup.delivery', about: url }, to: `/all-webhooks?jobId=${jobId}` },
  };
}
