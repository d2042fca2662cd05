/** Health, metrics and the description of the API. */
import { z } from 'zod';
import type { DependencyHealth } from '../../activities/health.ts';
import type { Config } from '../../infra/config.ts';
import type { Metrics } from '../../infra/metrics.ts';
import { envelopeOf } from '../http/forms.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import { isoTime, timeOutput } from '../http/times.ts';

export interface HealthSource {
  /** Asks every dependency, each within a second or so; never throws. */
  health(): Promise<Readonly<Record<string, DependencyHealth>>>;
  /** The last check of the ledger's invariants; undefined when there was none, or nobody knows. Never throws. */
  lastReconciliation(): Promise<{ readonly finishedAt: Date; readonly breaches: number } | undefined>;
}

/** Sync calls go on without them, so that their absence does not take the process out of service. */
const OPTIONAL_DEPENDENCIES: ReadonlySet<string> = new Set(['temporal', 'mongo', 'redis']);

const TAG = 'Service';

const readiness = z.object({
  status: z
    .enum(['ready', 'degraded', 'unavailable'])
    .describe('degraded: a dependency is away without which synchronous calls go on'),
  dependencies: z
    .record(
      z.string(),
      z.object({
        ok: z.boolean().describe('Whether it answered'),
        latencyMs: z.number().describe('How long it took, in milliseconds'),
        error: z.string().optional().describe('Why it did not'),
      }),
    )
    .describe('Each dependency by its name'),
  reconciliation: z
    .object({
      finishedAt: timeOutput.describe('When it ended'),
      breaches: z.number().describe('How many invariants did not hold'),
    })
    .nullable()
    .describe('The last check of the ledger; null when there was none'),
});

function statusOf(dependencies: Readonly<Record<string, DependencyHealth>>): z.output<typeof readiness>['status'] {
  const failed = Object.keys(dependencies).filter((name) => dependencies[name]?.ok === false);
  if (failed.length === 0) return 'ready';
  return failed.every((name) => OPTIONAL_DEPENDENCIES.has(name)) ? 'degraded' : 'unavailable';
}

export function serviceRoutes(
  { health, lastReconciliation, metrics }: HealthSource & { readonly metrics: Metrics },
  { APP_TIME_ZONE }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  return [
    route({
      method: 'get',
      path: '/healthz',
      operationId: 'getHealth',
      summary: 'Whether the process is alive',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.object({ status: z.literal('ok').describe('Always ok') }),
      handler: () => ({ status: 'ok' as const }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      operationId: 'getReadiness',
      summary: 'Whether the process can serve, with the latency of each dependency',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: readiness,
      otherAnswers: [
        {
          status: 503,
          description: 'A dependency without which nothing is served is away',
          mediaType: 'application/json',
          schema: envelopeOf(503, readiness),
        },
      ],
      handler: async ({ ctx, traceId }) => {
        const [dependencies, last] = await Promise.all([health(), lastReconciliation()]);
        const status = statusOf(dependencies);
        const reconciliation = last
          ? { finishedAt: isoTime(last.finishedAt, APP_TIME_ZONE), breaches: last.breaches }
          : null;
        const data = { status, dependencies, reconciliation };
        if (status !== 'unavailable') return data;
        ctx.status = 503;
        ctx.body = { code: 503, message: 'a dependency is unavailable', data, traceId };
        return ANSWERED;
      },
    }),
    route({
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      summary: 'Metrics in the text format of Prometheus',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.string(),
      mediaType: 'text/plain',
      handler: async ({ ctx }) => {
        ctx.body = await metrics.read();
        ctx.set('Content-Type', metrics.registry.contentType);
        return ANSWERED;
      },
    }),
  ];
}
