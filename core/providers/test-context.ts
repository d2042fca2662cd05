/** A call's context in tests. */
import { createLogger } from '../../infra/logger.ts';
import type { CallContext } from './context.ts';
import type { ProviderKind, TaskStore, UpstreamTarget } from './provider.ts';

export interface TestContext extends CallContext {
  readonly heartbeats: string[];
}

export function testContext(signal: AbortSignal = new AbortController().signal): TestContext {
  const heartbeats: string[] = [];
  return {
    signal,
    heartbeat: (detail) => heartbeats.push(detail),
    heartbeats,
    log: createLogger('silent'),
    requestId: 'call-1',
  };
}

export const API_KEY = 'sk-test-0123456789';

const BASES: Readonly<Record<ProviderKind, string>> = {
  openai: 'http://provider.example/v1',
  dashscope: 'http://provider.example/api/v1',
  ark: 'http://provider.example/api/v3',
};

export function testTarget(kind: ProviderKind, model: string): UpstreamTarget {
  return { kind, urlBase: BASES[kind], apiKey: API_KEY, model };
}

export interface TestTasks extends TaskStore {
  /** What was told, in order. */
  readonly told: string[];
}

export function testTasks(taskId?: string): TestTasks {
  const told: string[] = [];
  return {
    taskId,
    told,
    beforeSubmit: async () => void told.push('before submit'),
    submitted: async (id) => void told.push(`submitted ${id}`),
  };
}
