/** What /metrics shows. Each capability makes its own metrics on the same registry. */
import cluster from 'node:cluster';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { joinProcesses } from './cluster-metrics.ts';

/** Seconds; from a cached read to a model that works for minutes. */
const HTTP_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export interface Metrics {
  readonly registry: Registry;
  /** `route` is the declared path (`/v1/models/{id}`), never the requested one: labels must be few. */
  observeHttp(method: string, route: string, status: number, durationMs: number): void;
  /** Prometheus text: of all API processes behind the port, or of this process where it is the only one. */
  read(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const read = cluster.worker ? joinProcesses(cluster.worker, registry) : () => registry.metrics();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: HTTP_BUCKETS_SECONDS,
    registers: [registry],
  });
  return {
    registry,
    read,
    observeHttp: (method, route, status, durationMs) =>
      duration.observe({ method, route, status: String(status) }, durationMs / 1000),
  };
}
