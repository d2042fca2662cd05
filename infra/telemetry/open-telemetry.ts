/** Our spans on OpenTelemetry's. Loaded only where telemetry is on. */
import {
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Tracer as OpenTelemetryTracer,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace-node';
import { AppError } from '../errors.ts';
import type { Tracer } from './spans.ts';
import { openTelemetryTraceId, traceIdOf } from './trace-id.ts';

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;
const ERROR_TYPE = 'error.type';

/** Random ids, but for the next trace when its id is given. */
export class ChosenTraceIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: string | undefined;

  generateTraceId(): string {
    return this.#next ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#random.generateSpanId();
  }

  /** Traces that `start` begins have this id. */
  withTraceId<Result>(traceId: string, start: () => Result): Result {
    this.#next = traceId;
    try {
      return start();
    } finally {
      this.#next = undefined;
    }
  }
}

/** @param ids those of the provider that `tracer` came from. */
export function createTracer(tracer: OpenTelemetryTracer, ids: ChosenTraceIds): Tracer {
  return {
    inSpan: (name, attributes, work, kind) =>
      tracer.startActiveSpan(name, { kind: KINDS[kind], attributes }, async (span) => {
        let typed = false;
        const set: Parameters<typeof work>[0]['set'] = (more) => {
          typed ||= ERROR_TYPE in more;
          span.setAttributes(more);
        };
        try {
          return await work({ set });
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          if (!typed) span.setAttribute(ERROR_TYPE, errorType(error));
          throw error;
        } finally {
          span.end();
        }
      }),
    serverSpan(traceId, traceparent) {
      const id = openTelemetryTraceId(traceId);
      const continued = traceparent !== undefined && traceIdOf(traceparent) === id;
      const parent = continued ? contextOf(traceparent) : ROOT_CONTEXT;
      const attributes = { 'gateway.trace_id': traceId };
      const span = ids.withTraceId(id, () =>
        tracer.startSpan('request', { kind: SpanKind.SERVER, attributes }, parent),
      );
      const inside = trace.setSpan(parent, span);
      return {
        run: (work) => context.with(inside, work),
        end(name, more, failed) {
          span.updateName(name);
          span.setAttributes(more);
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    traceparent() {
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier, defaultTextMapSetter);
      return carrier.traceparent;
    },
    within: (traceparent, work) => context.with(contextOf(traceparent), work),
  };
}

function contextOf(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
}

function errorType(error: unknown): string {
  if (error instanceof AppError) return error.kind;
  return error instanceof Error ? error.name : 'unknown';
}
