/** What the API knows under one id, as events in the order of their times. */
import { useQueries } from '@tanstack/react-query';
import { ApiError } from '../api/api-error.ts';
import { client } from '../api/client.ts';
import { messageText } from '../shared/failure.ts';
import { type Answers, type Event, type EventText, moneyEvents } from './look-up-money.ts';

type Call = Answers<'queryCalls'>[number];
type Job = Answers<'getAnyJob'>;
type Order = Answers<'getAnyOrder'>['order'];
type Change = Answers<'listAuditRecords'>['records'][number];
type Batch = Answers<'getAnyBatch'>;
type Delivery = Answers<'listAllDeliveries'>['records'][number];

/** What there is more of than is shown. */
export interface Omitted {
  readonly what:
    | 'lookup.moreCalls'
    | 'lookup.moreJobs'
    | 'lookup.moreMoney'
    | 'lookup.moreChanges'
    | 'lookup.moreDeliveries';
  readonly shown: number;
}

/** How many jobs of a trace are shown, with their webhooks. */
const MOST_FOLLOWED = 50;
const MOST_CALLS = 200;
const MOST_CHANGES = 100;
/** Of calls and jobs; batches have longer ones. */
const LONGEST_ID = 36;
const BATCH = /^batch_[\da-f]{32}$/;
const MOST_BATCHES = 10;
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
  const isShort = id.length <= LONGEST_ID;
  const [ofTrace, ofRequest, jobsOfTrace, job, order, changes, changesOf, money] = useQueries({
    queries: [
      query(['calls of trace', id], () =>
        found(
          client.POST('/v1/statistics/logs/query', { body: { traceId: id, limit: MOST_CALLS + 1, sortDesc: true } }),
        ),
      ),
      query(['call', id], () => found(client.POST('/v1/statistics/logs/query', { body: { requestId: id } })), isShort),
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
        found(client.GET('/v1/audit', { params: { query: { traceId: id, pageSize: MOST_CHANGES } } })),
      ),
      query(['changes of', id], () =>
        found(client.GET('/v1/audit', { params: { query: { targetId: id, pageSize: MOST_CHANGES } } })),
      ),
      query(['money', id], () =>
        found(client.GET('/v1/admin/transfers', { params: { query: { ids: id, traceId: id } } })),
      ),
    ],
  });
  const calls = unique([...(ofTrace.data?.slice(0, MOST_CALLS) ?? []), ...(ofRequest.data ?? [])], (one) => one.id);
  const jobs = unique([...(jobsOfTrace.data?.records ?? []), ...(job.data ? [job.data] : [])], (one) => one.jobId);
  const sent = useQueries({
    queries: jobs
      .slice(0, MOST_FOLLOWED)
      .map(({ jobId }) =>
        query(['deliveries', jobId], () =>
          found(client.GET('/v1/admin/webhook-deliveries', { params: { query: { jobId } } })),
        ),
      ),
  });
  const batchesHeldFor = money.data?.holds.flatMap(({ batchId }) => batchId ?? []) ?? [];
  const foundBatches = useQueries({
    queries: unique([...(BATCH.test(id) ? [id] : []), ...batchesHeldFor], String)
      .slice(0, MOST_BATCHES)
      .map((batchId) =>
        query(['batch', batchId], () =>
          found(client.GET('/v1/admin/batches/{batchId}', { params: { path: { batchId } } })),
        ),
      ),
  });
  const asked = [ofTrace, ofRequest, jobsOfTrace, job, order, changes, changesOf, money, ...sent, ...foundBatches];
  const batches = foundBatches.flatMap(({ data }) => data ?? []);
  const deliveries = sent.map(({ data }) => data);
  const omitted: Omitted[] = [
    ...((ofTrace.data?.length ?? 0) > MOST_CALLS ? [{ what: 'lookup.moreCalls', shown: MOST_CALLS } as const] : []),
    ...(jobsOfTrace.data?.next ? [{ what: 'lookup.moreJobs', shown: jobsOfTrace.data.records.length } as const] : []),
    ...(money.data?.isWhole === false
      ? [{ what: 'lookup.moreMoney', shown: money.data.transfers.length } as const]
      : []),
    ...([changes, changesOf].some(({ data }) => data?.next)
      ? [{ what: 'lookup.moreChanges', shown: MOST_CHANGES } as const]
      : []),
    ...deliveries
      .filter((page) => page?.next)
      .slice(0, 1)
      .map((page) => ({ what: 'lookup.moreDeliveries', shown: page?.records.length ?? 0 }) as const),
  ];
  const records = [...(changes.data?.records ?? []), ...(changesOf.data?.records ?? [])];
  const events = [
    ...calls.map(callEvent),
    ...jobs.flatMap(jobEvents),
    ...batches.flatMap(batchEvents),
    ...(order.data ? orderEvents(order.data.order) : []),
    ...unique(records, (record) => String(record.id)).map(changeEvent),
    ...(money.data ? moneyEvents(money.data) : []),
    ...deliveries.flatMap((page) => page?.records.map(deliveryEvent) ?? []),
  ];
  return {
    events: events.sort((one, other) => new Date(one.at).getTime() - new Date(other.at).getTime()),
    isPending: asked.some(({ isLoading }) => isLoading),
    failures: unique(
      asked.flatMap(({ error }) => (error === null ? [] : [error])),
      String,
    ),
    retry: () => Promise.all(asked.filter(({ error }) => error !== null).map(({ refetch }) => refetch())),
    omitted,
    traceId: calls[0]?.traceId ?? jobs[0]?.traceId ?? batches[0]?.traceId,
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
  const { userId, username, status } = call;
  return {
    ...{ key: `call ${id}`, at: createTime, kind: 'call', failed: !isSuccess, userId, username },
    to: `/all-calls?call=${id}`,
    name: { text: status === 'REFUSED' ? 'lookup.refusedCall' : 'lookup.call', about: modelIdentifier || '–' },
    ...(status === 'REFUSED' ? {} : { attempts: { provider: providerName ?? '–', count: attempts } }),
    error: isSuccess
      ? null
      : [errorCode, errorText && messageText(errorText)].filter((part) => part !== null).join(': '),
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
    ...step(job.finishedAt, 'lookup.jobEnded').map((event) => ({
      ...event,
      failed,
      error: job.errorMessage && messageText(job.errorMessage),
    })),
  ];
}

function batchEvents(batch: Batch): Event[] {
  const { batchId, userId, username, endpoint, status, createdAt, inProgressAt, endedAt, traceId } = batch;
  const shared = { kind: 'batch', failed: false } as const;
  const made = { ...shared, key: `batch ${batchId}`, at: createdAt, to: `/all-calls?traceId=${traceId}` } as const;
  const step = (at: string | null, text: EventText): Event[] =>
    at === null ? [] : [{ ...shared, key: `${text} ${batchId}`, at, name: { text } }];
  return [
    { ...made, name: { text: 'lookup.batch', about: endpoint }, userId, username, batch },
    ...step(inProgressAt, 'lookup.batchStarted'),
    ...step(endedAt, 'lookup.batchEnded').map((event) => ({ ...event, failed: status !== 'completed', error: status })),
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
