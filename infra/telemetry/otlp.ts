/** Telemetry that is on: spans go in batches, over OTLP/HTTP as JSON, to the collector of the settings. */
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Config } from '../config.ts';
import type { Logger } from '../logger.ts';
import { OutageLog } from '../outage-log.ts';
import { tracesUrl } from './collector.ts';
import { ChosenTraceIds, createTracer } from './open-telemetry.ts';
import { useTracer } from './spans.ts';
import { clientInterceptors, workerTracing } from './temporal.ts';

/** A collector that is away must not hold up a stop. */
const FLUSH_WITHIN_MS = 2_000;
const SCOPE = 'llm-gateway';

export interface Telemetry {
  readonly clientInterceptors: WorkflowClientInterceptor[];
  /** What a worker needs in addition to the traced bundle. */
  readonly worker: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** Sends what is left, for two seconds at most. */
  close(): Promise<void>;
}

/** Sets the process's tracer. @param part `api` or `worker`; it names the service unless OTEL_SERVICE_NAME does. */
export function openTelemetry(config: Config, part: string, log: Logger): Telemetry {
  const resource = Resource.default().merge(
    new Resource({
      'service.name': config.OTEL_SERVICE_NAME || `llm-gateway-${part}`,
      'service.namespace': SCOPE,
      'service.instance.id': `${part}-${process.pid}`,
    }),
  );
  const exporter = new OTLPTraceExporter({
    url: tracesUrl(config),
    headers: config.OTEL_EXPORTER_OTLP_HEADERS,
  });
  const processor = new BatchSpanProcessor(tellingOfFailures(exporter, log));
  const ids = new ChosenTraceIds();
  const provider = new NodeTracerProvider({
    resource,
    idGenerator: ids,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG) }),
    spanProcessors: [processor],
  });
  provider.register();
  useTracer(createTracer(provider.getTracer(SCOPE), ids));
  return {
    clientInterceptors: clientInterceptors(),
    worker: workerTracing(processor, resource),
    async close() {
      useTracer(undefined);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_WITHIN_MS);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/** Without a collector spans are lost and nothing waits for them; the log says when that begins and ends. */
function tellingOfFailures(exporter: SpanExporter, log: Logger): SpanExporter {
  const outage = new OutageLog(log, 'telemetry: spans are not delivered and are lost');
  return {
    export(spans, done) {
      exporter.export(spans, (result: ExportResult) => {
        if (result.code === ExportResultCode.SUCCESS) outage.over();
        else outage.failed(result.error);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
