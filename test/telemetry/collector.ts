/** An OTLP collector for a test: takes traces over HTTP as JSON, and keeps their spans. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const valueSchema = z.union([
  z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue),
  z.object({ doubleValue: z.number() }).transform(({ doubleValue }) => doubleValue),
  z.object({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
]);
const attributesSchema = z
  .array(z.object({ key: z.string(), value: valueSchema }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])));
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes: attributesSchema,
  status: z.object({ code: z.number().default(0) }),
});
const bodySchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(z.looseObject({ key: z.string(), value: z.unknown() })) }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

export type CollectedSpan = z.infer<typeof spanSchema> & { readonly service: string };

export interface Collector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** All that came, as it came. */
  readonly text: string;
  close(): void;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  let text = '';
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    text += body;
    if (request.url === '/v1/traces') spans.push(...spansOf(body));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    get text() {
      return text;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function spansOf(body: string): CollectedSpan[] {
  return bodySchema.parse(JSON.parse(body)).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const named = resource.attributes.find(({ key }) => key === 'service.name');
    const service = valueSchema.parse(named?.value).toString();
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service })));
  });
}

/** One line a span, children under their parent: name, service, duration and attributes. */
export function treeOf(spans: readonly CollectedSpan[]): string {
  const byStart = spans.toSorted((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
  const known = new Set(spans.map(({ spanId }) => spanId));
  const under = (parent: string | undefined, depth: number): string[] =>
    byStart
      .filter(({ parentSpanId }) => (parent === undefined ? !known.has(parentSpanId ?? '') : parentSpanId === parent))
      .flatMap((span) => [lineOf(span, depth), ...under(span.spanId, depth + 1)]);
  return under(undefined, 0).join('\n');
}

function lineOf({ name, service, startTimeUnixNano, endTimeUnixNano, attributes }: CollectedSpan, depth: number) {
  const ms = Number(endTimeUnixNano - startTimeUnixNano) / 1e6;
  const facts = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  return `${'  '.repeat(depth)}${name} · ${service} · ${ms.toFixed(1)} ms · ${facts.join(' ')}`;
}
