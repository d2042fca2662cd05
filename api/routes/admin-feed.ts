/** What happens at the moment, for ROOT: calls, jobs and circuits as server-sent events. */
import { z } from 'zod';
import type { FeedListener } from '../../activities/feed/feed-listener.ts';
import type { FeedEvent, FeedNews } from '../../activities/feed/feed-watch.ts';
import type { LiveFeed } from '../../activities/feed/live-feed.ts';
import { JOB_STATUSES, JOB_TYPES } from '../../activities/jobs/job.ts';
import type { Catalog } from '../../core/catalog/catalog.ts';
import { OPEN_REASONS } from '../../core/key-pool/circuit.ts';
import { shownFields } from '../../core/usage/usage-record.ts';
import type { Config } from '../../infra/config.ts';
import { integerInput, optional } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import { EventStream } from '../http/sse.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { type Authenticator, isStillAdmitted } from '../middleware/caller.ts';

const access = { roles: ['ROLE_ROOT_ADMIN'] } as const;
const MOST_SECONDS = 3_600;

const username = z.string().describe('Name of that user; empty for one that is not there');
const { requestId, userId, accessKeyId, modelIdentifier, promptTokens, completionTokens, imageCount } = shownFields;
const { latencyMs, ttftMs, isAsync, isSuccess, errorCode, traceId, providerName, attempts } = shownFields;
const call = z
  .object({
    ...{ requestId, userId, username, accessKeyId, modelIdentifier, providerName },
    ...{ promptTokens, completionTokens, imageCount },
    cost: decimalOutput.describe('What was charged'),
    ...{ latencyMs, ttftMs, isAsync, isSuccess, errorCode, attempts, traceId },
    createTime: timeOutput.describe('When it began'),
  })
  .meta({ id: 'FeedCall', description: '`call`: one that has ended' });
const job = z
  .object({
    jobId: z.string().describe('Id of the job'),
    type: z.enum(JOB_TYPES).describe('What it does'),
    userId: z.number().int().describe('Id of its owner'),
    username,
    modelName: z.string().describe('The model that was asked for, chosen, or called last'),
    status: z.enum(JOB_STATUSES).describe('COMPLETED, FAILED and CANCELLED are final'),
    progress: z.number().describe('0 to 100'),
  })
  .meta({ id: 'FeedJob', description: '`job`: where one stands; an event may come twice, and late' });
const circuit = z
  .object({
    providerId: z.number().int().describe('Id of the provider'),
    providerName: z.string().describe('Its name'),
    keyId: z.number().int().describe("Id of the provider's key"),
    modelId: z.number().int().nullable().describe('Id of the model; null for the account of the key'),
    modelIdentifier: z.string().nullable().describe('The name that callers use for the model'),
    circuit: z.enum(['closed', 'open', 'half-open']).describe('open: no call; half-open: one call is tried'),
    reason: z.enum(OPEN_REASONS).nullable().describe('Why; null when it is closed'),
    until: timeOutput.nullable().describe('When it is tried again; null when it is closed or tried right now'),
  })
  .meta({ id: 'FeedCircuit', description: '`circuit`: at the start those that are not closed, then each change' });
const missed = z
  .object({ events: z.number().int().describe('How many') })
  .meta({ id: 'FeedMissed', description: '`missed`: events that were left out, because they were too many' });
const round = z
  .object({ at: timeOutput.describe('When the process looked') })
  .meta({ id: 'FeedRound', description: '`round`: once a second, also when nothing has happened: the feed is alive' });

export interface FeedServices {
  readonly liveFeed: Pick<LiveFeed, 'open'>;
  readonly authenticator: Authenticator;
  readonly catalog: Pick<Catalog, 'providerName' | 'modelById'>;
}

export function adminFeedRoutes(
  { liveFeed, authenticator, catalog }: FeedServices,
  { APP_TIME_ZONE: zone }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/admin/feed',
      operationId: 'followAll',
      summary: 'What happens now, as server-sent events: calls that end, jobs that move, circuits that open and close',
      description: `The events are named \`call\`, \`job\`, \`circuit\`, \`missed\` and \`round\`; the data of each is JSON. They come once a second, of
all processes, and begin when the stream does: lists tell of what was before. Who reads slowly misses events. The stream
ends with the session, with the role, and when its process stops; connect again then. A browser's EventSource opens it with
the console's session.`,
      tag: 'Statistics',
      access,
      query: z.object({
        seconds: optional(integerInput.pipe(z.number().int().min(1).max(MOST_SECONDS))).describe(
          'End after so many seconds; without it the stream goes on',
        ),
      }),
      success: z.union([call, job, circuit, missed, round]),
      mediaType: 'text/event-stream',
      handler: async ({ ctx, query: { seconds }, signal }) => {
        const limit = seconds === undefined ? [] : [AbortSignal.timeout(seconds * 1_000)];
        const listener = await liveFeed.open(AbortSignal.any([signal, ...limit]));
        await tellAll(
          listener,
          new EventStream(ctx),
          (news) => textOf(news, catalog, zone),
          () => isStillAdmitted(access, ctx, authenticator),
        );
        return ANSWERED;
      },
    }),
  ];
}

async function tellAll(
  listener: FeedListener,
  stream: EventStream,
  textOfNews: (news: FeedNews) => string,
  mayGoOn: () => Promise<boolean>,
): Promise<void> {
  try {
    for (;;) {
      const news = await listener.next();
      if (news === undefined || !(await mayGoOn())) return;
      await stream.write(textOfNews(news));
    }
  } finally {
    listener.close();
    stream.end();
  }
}

function textOf(news: FeedNews, catalog: FeedServices['catalog'], zone: string): string {
  const texts = news.events.map((event) => eventText(event.kind, dataOf(event, catalog, zone)));
  if (news.missed > 0) texts.push(eventText('missed', { events: news.missed } satisfies z.input<typeof missed>));
  texts.push(eventText('round', { at: isoTime(new Date(), zone) } satisfies z.input<typeof round>));
  return texts.join('');
}

function eventText(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function dataOf(
  event: FeedEvent,
  catalog: FeedServices['catalog'],
  zone: string,
): z.input<typeof call> | z.input<typeof job> | z.input<typeof circuit> {
  switch (event.kind) {
    case 'call': {
      const { cost, createTime, ...shown } = event.call;
      return call.parse({
        ...shown,
        username: event.username,
        cost: money(cost),
        createTime: isoTime(createTime, zone),
      });
    }
    case 'job': {
      const { id: jobId, type, userId: owner, username: name, modelName } = event.job;
      const { status, progress } = event.state;
      return { jobId, type, userId: owner, username: name, modelName, status, progress };
    }
    case 'circuit': {
      const { providerId, keyId, modelId, circuit: state, reason, untilMs } = event.circuit;
      return {
        ...{ providerId, providerName: catalog.providerName(providerId), keyId, modelId },
        modelIdentifier: modelId === null ? null : (catalog.modelById(modelId)?.modelIdentifier ?? null),
        ...{ circuit: state, reason, until: untilMs === null ? null : isoTime(new Date(untilMs), zone) },
      };
    }
  }
}
