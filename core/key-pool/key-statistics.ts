/** What is counted of keys and models: for /metrics, for administrators and for routing. */
import type { KeyMetrics } from './key-metrics.ts';
import type { CallResult, PickedKey } from './key-pool.ts';
import { failureRate, type Outcomes } from './outcome-window.ts';
import type { RecentOutcomes } from './recent-outcomes.ts';

export class KeyStatistics {
  readonly #outcomes: RecentOutcomes;
  readonly #metrics: KeyMetrics | undefined;

  constructor(outcomes: RecentOutcomes, metrics: KeyMetrics | undefined) {
    this.#outcomes = outcomes;
    this.#metrics = metrics;
  }

  watch(providerId: number): void {
    this.#outcomes.watch(providerId);
  }

  picked({ providerId, id }: PickedKey): void {
    this.#metrics?.picked(providerId, id);
  }

  ended({ providerId, id, modelId }: PickedKey, result: CallResult): void {
    if (result.kind === 'failure') this.#metrics?.failed(providerId, id, result.failure);
    const { ofKey, ofModel } = countedAs(result);
    if (ofKey !== 'nothing') this.#outcomes.record(providerId, keySubject(id), ofKey === 'failure');
    if (ofModel !== 'nothing' && modelId !== undefined) {
      this.#outcomes.record(providerId, modelSubject(modelId), ofModel === 'failure');
    }
  }

  /** 0–1, of the last five minutes. */
  failureRate(modelId: number): number {
    return failureRate(this.#outcomes.of(modelSubject(modelId)));
  }

  /** Of a key in the last five minutes. */
  recent(keyId: number): Outcomes {
    return this.#outcomes.of(keySubject(keyId));
  }

  sum(): Promise<void> {
    return this.#outcomes.sum();
  }

  close(): void {
    this.#outcomes.close();
  }
}

type Counted = 'success' | 'failure' | 'nothing';

/** A caller's mistake says nothing about the provider, an unknown model nothing about the key. */
function countedAs(result: CallResult): { ofKey: Counted; ofModel: Counted } {
  if (result.kind === 'success') return { ofKey: 'success', ofModel: 'success' };
  switch (result.failure) {
    case 'account':
    case 'rate':
    case 'transient':
    case 'timeout':
      return { ofKey: 'failure', ofModel: 'failure' };
    case 'model':
      return { ofKey: 'nothing', ofModel: 'failure' };
    case 'content':
    case 'bad-request':
    case 'cancelled':
      return { ofKey: 'nothing', ofModel: 'nothing' };
    case 'empty':
    case 'unusable':
      return { ofKey: 'nothing', ofModel: 'failure' };
  }
}

function keySubject(keyId: number): string {
  return `key-${keyId}`;
}

function modelSubject(modelId: number): string {
  return `model-${modelId}`;
}
