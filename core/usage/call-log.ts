/** The log of calls as people read it: those that were charged or failed, and those that were refused, by their time. */
import type { UsageRecord } from './usage-record.ts';
import type { UsageFilter, UsageStore } from './usage-store.ts';

/** REFUSED: before money was held for it and a provider was asked. */
export const CALL_STATUSES = ['SUCCEEDED', 'FAILED', 'REFUSED'] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

export interface LoggedCall extends UsageRecord {
  readonly status: CallStatus;
}

export interface CallFilter extends UsageFilter {
  readonly status?: CallStatus | undefined;
}

type Store = Pick<UsageStore, 'newest'>;

export class CallLog {
  readonly #called: Store;
  readonly #refused: Store;

  constructor(called: Store, refused: Store) {
    this.#called = called;
    this.#refused = refused;
  }

  /** The newest `limit` calls of those that match, newest first. A filter by `isSuccess: false` finds refused ones, too. */
  async newest({ status, ...filter }: CallFilter, limit: number): Promise<LoggedCall[]> {
    const [called, refused] = await Promise.all([
      status === 'REFUSED' ? [] : this.#newestCalled(filter, status, limit),
      status === undefined || status === 'REFUSED' ? this.#newestRefused(filter, limit) : [],
    ]);
    // Ids are as old as their calls.
    return [...called, ...refused].sort((a, b) => (a.requestId < b.requestId ? 1 : -1)).slice(0, limit);
  }

  async #newestCalled(filter: UsageFilter, status: CallStatus | undefined, limit: number): Promise<LoggedCall[]> {
    const isSuccess = status === undefined ? filter.isSuccess : status === 'SUCCEEDED';
    if (filter.isSuccess !== undefined && filter.isSuccess !== isSuccess) return [];
    const found = await this.#called.newest({ ...filter, isSuccess }, limit);
    return found.map((record) => ({ ...record, status: record.isSuccess ? 'SUCCEEDED' : 'FAILED' }));
  }

  async #newestRefused(filter: UsageFilter, limit: number): Promise<LoggedCall[]> {
    const { isSuccess, providerName, providerKeyId, priceRule, doubt } = filter;
    const ofProvider = [providerName, providerKeyId, priceRule, doubt].some((value) => value !== undefined);
    if (isSuccess === true || ofProvider) return [];
    return (await this.#refused.newest(filter, limit)).map((record) => ({ ...record, status: 'REFUSED' }));
  }
}
