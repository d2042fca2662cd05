/**
 * Calls of adapters in tests: their context, target and tasks, adapters over an outbound client that a test has laid, and
 * what `assert.rejects` checks of a failure.
 */
import assert from 'node:assert/strict';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import type { Outbound } from '../../infra/outbound.ts';
import { createImageReader } from '../images/image-reader.ts';
import { type FailureClass, type FailureDetails, UpstreamFailure } from './failure.ts';
import type { CallContext, CountedTokens, ProviderKind, TaskStore, UpstreamTarget } from './provider.ts';
import { type Adapters, createAdapters } from './vendors.ts';

export interface TestContext extends CallContext {
  readonly heartbeats: string[];
}

export function testContext(signal: AbortSignal = new AbortController().signal): TestContext {
  const heartbeats: string[] = [];
  return {
    signal,
    heartbeat: (detail) => heartbeats.push(detail),
    heartbeats,
    log: () => createLogger('silent'),
    requestId: 'call-1',
  };
}

/** A usage that counts nothing. */
export const NO_TOKENS: CountedTokens = {
  ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, hourCacheWriteTokens: 0 },
  ...{ reasoningTokens: 0, searches: 0, serviceTier: null, unexplainedTokens: 0, isPartial: false, impossible: null },
};

export const API_KEY = 'sk-test-0123456789';

const BASES: Readonly<Record<ProviderKind, string>> = {
  openai: 'http://provider.example/v1',
  dashscope: 'http://provider.example/api/v1',
  ark: 'http://provider.example/api/v3',
  anthropic: 'http://provider.example',
};

export function testTarget(kind: ProviderKind, model: string): UpstreamTarget {
  return { kind, urlBase: BASES[kind], apiKey: API_KEY, model };
}

export interface TestTasks extends TaskStore {
  /** What was recorded, in order. */
  readonly recorded: string[];
}

export function testTasks(taskId?: string): TestTasks {
  const recorded: string[] = [];
  return {
    taskId,
    recorded,
    beforeSubmit: async () => void recorded.push('before submit'),
    submitted: async (id) => void recorded.push(`submitted ${id}`),
  };
}

const TIMEOUTS = { UPSTREAM_TOTAL_TIMEOUT: 60_000, UPSTREAM_FIRST_BYTE_TIMEOUT: 10_000, UPSTREAM_IDLE_TIMEOUT: 10_000 };

export function testAdapters(outbound: Outbound, config = TIMEOUTS): Adapters {
  const readImage = createImageReader({ clientFor: () => outbound, stored: async () => undefined });
  return createAdapters({ outbound, readImage, config });
}

/** @param details those that must be as given; others are not looked at. */
export function failedWith(failure: FailureClass, message: RegExp, details: Partial<FailureDetails> = {}) {
  return (error: unknown): true => {
    assert.ok(error instanceof UpstreamFailure, `${error} is no UpstreamFailure`);
    assert.equal(error.failure, failure, error.message);
    assert.match(error.message, message);
    assert.partialDeepStrictEqual({ ...error.details }, details);
    return true;
  };
}

/** A request that the model cannot serve, known before anything is sent. */
export function refusedFor(path: string, message: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof AppError, `${error} is no AppError`);
    assert.equal(error.kind, 'invalidParameter');
    assert.equal(error.details.param, path);
    assert.match(error.message, message);
    return true;
  };
}
