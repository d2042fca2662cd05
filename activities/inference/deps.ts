/** What every way of calling a model is made of. */
import type { Logger } from 'pino';
import type { KeyLimits } from '../../core/accounts/key-limits.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import type { KeyPool } from '../../core/key-pool/key-pool.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { ChatAdapter, ImageAdapter, ProviderKind, UpstreamTarget } from '../../core/providers/provider.ts';
import type { Candidate } from './plan.ts';
import type { RequestPictures } from './request-pictures.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { NoteUsageDoubt } from './usage-doubts.ts';

export interface InferenceDeps {
  readonly ledger: Ledger;
  readonly limits: KeyLimits;
  readonly models: ModelSource;
  readonly keys: KeyPool;
  readonly retries: RetryBudget;
  readonly chatAdapters: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly imageAdapters: Readonly<Record<ProviderKind, ImageAdapter>>;
  readonly requestPictures: RequestPictures;
  readonly noteUsageDoubt: NoteUsageDoubt;
  readonly log: Logger;
  /** The longest that a call may take in all, in milliseconds. */
  readonly totalTimeoutMs: number;
}

/** Where a candidate is called with a key. */
export function targetOf(candidate: Candidate, apiKey: string): UpstreamTarget {
  return { kind: candidate.kind, urlBase: candidate.urlBase, apiKey, model: candidate.upstreamModel };
}
