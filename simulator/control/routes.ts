/** The control endpoint: health, faults, keys, and the journal. Not a part of any vendor's API; needs no key. */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { FAULTS, type FaultName, isFaultName } from '../faults/fault-table.ts';
import { readRequestBody } from '../request-body.ts';
import type { Route } from '../routes.ts';
import type { Shared } from '../serve-call.ts';

const MAX_ENTRIES = 5_000;

const faultSchema = z.strictObject({
  fault: z.custom<FaultName>(
    (name) => typeof name === 'string' && isFaultName(name),
    'is not in /control/faults/table',
  ),
  value: z.number().nonnegative().optional(),
  key: z.string().optional(),
  model: z.string().optional(),
  vendor: z.enum(['openai', 'dashscope', 'ark']).optional(),
  path: z.string().optional(),
  calls: z.number().int().positive().optional(),
  share: z.number().min(0).max(1).optional(),
});
const keySchema = z.discriminatedUnion('state', [
  z.strictObject({ key: z.string().startsWith('sim-'), state: z.enum(['valid', 'revoked', 'overdue']) }),
  z.strictObject({
    key: z.string().startsWith('sim-'),
    state: z.literal('limited'),
    requests: z.number().int().nonnegative(),
    windowMs: z.number().int().positive().default(60_000),
  }),
]);
const journalQuerySchema = z.object({
  since: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().positive().max(MAX_ENTRIES).default(1_000),
});
const clearQuerySchema = z.object({
  id: z.coerce.number().int().optional(),
  key: z.string().optional(),
  model: z.string().optional(),
});

export function controlRoutes({ journal, rules, keys }: Shared): Route[] {
  return [
    route('GET', '/healthz', () => ({ status: 'ok' })),
    route('GET', '/control/faults/table', () => FAULTS),
    route('GET', '/control/faults', () => rules.list()),
    route('POST', '/control/faults', (body) => ({ id: rules.add(faultSchema.parse(body)) })),
    route('DELETE', '/control/faults', (_, query) => ({ cleared: rules.clear(clearQuerySchema.parse(query)) })),
    route('GET', '/control/keys', () => keys.list()),
    route('POST', '/control/keys', (body) => {
      const { key, ...state } = keySchema.parse(body);
      keys.set(key, state);
      return { key, ...state };
    }),
    route('GET', '/control/journal', (_, query) => {
      const { since, limit } = journalQuerySchema.parse(query);
      const entries = journal.entries(since, limit);
      return { entries, next: entries.at(-1)?.id ?? since };
    }),
    route('DELETE', '/control/journal', () => {
      journal.reset();
      return {};
    }),
    route('GET', '/control/counts', () => journal.counts()),
    route('POST', '/control/reset', () => {
      journal.reset();
      rules.clear({});
      keys.reset();
      return {};
    }),
  ];
}

type Answer = (body: Record<string, unknown>, query: Record<string, string>) => unknown;

function route(method: Route['method'], path: string, answer: Answer): Route {
  return {
    method,
    path,
    handle: async (request, response, match) => {
      const body = await readRequestBody(request);
      try {
        if (!body.ok) throw new z.ZodError([{ code: 'custom', path: [], message: body.reason, input: undefined }]);
        send(response, 200, answer(body.fields, Object.fromEntries(match.url.searchParams)));
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        send(response, 400, { error: z.prettifyError(error) });
      }
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
