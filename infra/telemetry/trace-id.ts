/** The ids of traces, ours and W3C's. Pure but for the making of new ones. */
import { createHash, randomUUID } from 'node:crypto';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const HEX = /^[0-9a-f]{32}$/;
const NONE = '0'.repeat(32);

/** 32 hexadecimal digits, as W3C's Trace Context has them. */
export function newTraceId(): string {
  return randomUUID().replaceAll('-', '');
}

/** The trace id of a `traceparent` header; undefined if the header is not valid. */
export function traceIdOf(traceparent: string): string | undefined {
  const id = TRACEPARENT.exec(traceparent)?.[1];
  return id === undefined || id === NONE || traceparent.startsWith('ff') ? undefined : id;
}

/** The W3C trace id for an id: itself, or a hash if a caller's id has another form. */
export function openTelemetryTraceId(traceId: string): string {
  const plain = traceId.replaceAll('-', '').toLowerCase();
  if (HEX.test(plain) && plain !== NONE) return plain;
  return createHash('sha256').update(traceId).digest('hex').slice(0, 32);
}
