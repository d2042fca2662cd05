/** Temporal's side of a trace: its interceptors, and the spans that workflows make in their sandbox. */
import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { WorkerOptions } from '@temporalio/worker';

/** Of the calls only those that somebody waits for or acts by; the reconciler describes workflows all day. */
export function clientInterceptors(): WorkflowClientInterceptor[] {
  const all = new OpenTelemetryWorkflowClientInterceptor();
  return [
    {
      start: (input, next) => all.start(input, next),
      startWithDetails: (input, next) => all.startWithDetails(input, next),
      signal: (input, next) => all.signal(input, next),
      cancel: (input, next) => all.cancel(input, next),
    },
  ];
}

export function workerTracing(
  processor: SpanProcessor,
  resource: Resource,
): Pick<WorkerOptions, 'interceptors' | 'sinks'> {
  return {
    interceptors: {
      activity: [
        (context) => ({
          inbound: new OpenTelemetryActivityInboundInterceptor(context),
          outbound: new OpenTelemetryActivityOutboundInterceptor(context),
        }),
      ],
    },
    sinks: { exporter: makeWorkflowExporter(withoutWorkflowInfo(processor), resource) },
  };
}

/** The exporter adds all that Temporal knows of the workflow, objects included; two ids are enough to find it. */
function withoutWorkflowInfo(processor: SpanProcessor): SpanProcessor {
  return {
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
    onStart: (span, context) => processor.onStart(span, context),
    onEnd(span) {
      const { workflowId, runId } = span.attributes;
      const attributes = {
        ...(workflowId === undefined ? {} : { temporalWorkflowId: workflowId }),
        ...(runId === undefined ? {} : { run_id: runId }),
      };
      processor.onEnd({ ...span, attributes });
    },
  };
}
