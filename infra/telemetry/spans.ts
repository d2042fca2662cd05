/**
 * Spans as the product makes them. Nothing of OpenTelemetry is loaded here: until a tracer is set, a span costs one
 * comparison. Attributes hold names, numbers and codes; never a prompt, a result, a secret or an address of a user.
 */
export type Attributes = Readonly<Record<string, string | number | boolean>>;
/** `client`: somebody else's server does the work. */
type SpanKind = 'internal' | 'client';

export interface Span {
  /** An `error.type` that is set here is kept when the work then throws. */
  set(attributes: Attributes): void;
}

/** The span of a request that came in; it ends when its answer has. */
export interface ServerSpan {
  /** Runs what answers the request; spans made there are its children. */
  run<Result>(work: () => Result): Result;
  end(name: string, attributes: Attributes, failed: boolean): void;
}

export interface Tracer {
  inSpan<Result>(
    name: string,
    attributes: Attributes,
    work: (span: Span) => Promise<Result>,
    kind: SpanKind,
  ): Promise<Result>;
  /** `traceparent`: the caller's header; taken as the parent if it is of the same trace. */
  serverSpan(traceId: string, traceparent: string | undefined): ServerSpan;
  traceparent(): string | undefined;
  within<Result>(traceparent: string, work: () => Result): Result;
}

const NO_SPAN: Span = { set: () => undefined };

/** One for the process, like its log: what makes spans is everywhere. */
let tracer: Tracer | undefined;

/** Sets the process's tracer, before anything is served; undefined ends it. */
export function useTracer(chosen: Tracer | undefined): void {
  tracer = chosen;
}

/** The process's tracer; undefined when telemetry is off. */
export function activeTracer(): Tracer | undefined {
  return tracer;
}

/**
 * Does the work in a span, a child of the current one. An error is passed on; the span records only its type.
 * @param attributes asked only when telemetry is on.
 */
export function inSpan<Result>(
  name: string,
  attributes: (() => Attributes) | undefined,
  work: (span: Span) => Promise<Result>,
  kind: SpanKind = 'internal',
): Promise<Result> {
  return tracer === undefined ? work(NO_SPAN) : tracer.inSpan(name, attributes?.() ?? {}, work, kind);
}

/** The current span in W3C's form, to be stored with work that continues elsewhere; empty without a span. */
export function presentSpan(): { traceparent?: string } {
  const traceparent = tracer?.traceparent();
  return traceparent === undefined ? {} : { traceparent };
}

/** Continues in the span that `presentSpan` returned. */
export function withinSpan<Result>(traceparent: string | undefined, work: () => Result): Result {
  return tracer === undefined || traceparent === undefined ? work() : tracer.within(traceparent, work);
}
