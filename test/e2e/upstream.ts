/** The simulator as tests steer it, and providers on it with keys and models of their own. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { ModelNeeds } from '../../core/providers/needs.ts';
import { call, type Product } from './product.ts';

const countSchema = z.looseObject({
  calls: z.number(),
  running: z.number(),
  completed: z.number(),
  refused: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
});
const countsSchema = z.object({
  byKey: z.record(z.string(), countSchema),
  byModel: z.record(z.string(), countSchema),
});
const entrySchema = z.looseObject({
  id: z.number(),
  key: z.string(),
  model: z.string(),
  work: z.boolean(),
  requestId: z.string(),
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  outcome: z.string(),
  usage: z.looseObject({ promptTokens: z.number(), completionTokens: z.number() }).nullable(),
});
export type JournalEntry = z.infer<typeof entrySchema>;

export interface Fault {
  readonly fault: string;
  readonly value?: number;
  readonly key?: string;
  readonly model?: string;
  readonly vendor?: string;
  readonly calls?: number;
}

/** Controls `product`'s simulator and reads its journal. */
export function upstream(product: Pick<Product, 'simulator'>) {
  const control = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${product.simulator.url}/control/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.equal(answer.status, 200, `${method} ${path}`);
    return answer.json();
  };
  return {
    fault: (fault: Fault) => control('POST', 'faults', fault),
    noFaults: () => control('DELETE', 'faults'),
    keyState: (key: string, state: 'valid' | 'revoked' | 'overdue') => control('POST', 'keys', { key, state }),
    forget: () => control('DELETE', 'journal'),
    counts: async () => countsSchema.parse(await control('GET', 'counts')),
    /** Every call the journal still holds. */
    async journal(): Promise<JournalEntry[]> {
      const all: JournalEntry[] = [];
      for (let since = 0; ; ) {
        const reply = await control('GET', `journal?since=${since}&limit=5000`);
        const { entries, next } = z.object({ entries: z.array(entrySchema), next: z.number() }).parse(reply);
        all.push(...entries);
        if (entries.length === 0) return all;
        since = next;
      }
    },
  };
}

export async function rootToken(product: Product): Promise<string> {
  const body = { username: 'root', password: product.rootPassword };
  const login = await call(product.apis[0], 'POST', '/v1/auth/login', { body });
  return z.object({ token: z.string() }).parse(login.data).token;
}

export interface NewProvider {
  readonly name: string;
  /** Default: openai. */
  readonly kind?: keyof typeof PATHS;
  /** Each begins with `sim-`. */
  readonly keys: readonly string[];
  readonly models: readonly {
    readonly identifier: string;
    readonly upstream: string;
    readonly priority?: number;
    readonly needs?: ModelNeeds;
  }[];
}

const PATHS = { openai: '/v1', anthropic: '/anthropic', dashscope: '/compatible-mode/v1' };

/** A provider on the simulator. @returns the ids of its keys, in their order. */
export async function addProvider(product: Product, provider: NewProvider): Promise<number[]> {
  const token = await rootToken(product);
  const post = async (path: string, body: object) => {
    const answer = await call(product.apis[0], 'POST', path, { token, body });
    assert.ok(answer.status < 300, `${path}: ${answer.message}`);
    return answer.data;
  };
  const { name, kind = 'openai' } = provider;
  await post('/v1/providers', { name, kind, urlBase: product.simulator.url + PATHS[kind] });
  const ids: number[] = [];
  for (const apiKey of provider.keys) {
    const key = await post('/v1/providers/keys', { providerName: name, apiKey });
    ids.push(z.object({ id: z.number() }).parse(key).id);
  }
  for (const { identifier, upstream: upstreamModel, priority = 50, needs } of provider.models) {
    await post('/v1/models', {
      providerName: name,
      displayName: identifier,
      modelIdentifier: identifier,
      upstreamModel,
      priority,
      needs,
      capabilities: ['text-to-text', 'image-to-text'],
      pricing: { input: '0.000001', output: '0.000002' },
    });
  }
  return ids;
}
