/**
 * Removes payloads and images of jobs that ended long enough ago. The row stays, because it explains the hold and the
 * charge. Each batch is small and complete, so a round may stop anywhere and may run in several processes.
 */
import type { StoredImages } from '../../core/images/stored-images.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { removePayloads } from './job-operations.ts';
import type { JobStore, KeptFor } from './store.ts';

/** Rows can have megabytes, which the database frees while it holds their locks. */
const BATCH = 50;
/** For jobs that cost nothing: time enough to see what went wrong, and for webhooks. */
const FREE_KEPT_MS = 86_400_000;

export interface JobRetentionDeps {
  readonly ledger: Pick<Ledger, 'run'>;
  readonly store: Pick<JobStore, 'withPayloads'>;
  readonly storedImages: Pick<StoredImages, 'removeOf' | 'removeOlderThan'>;
  /** For payloads, from the end of their job, in milliseconds. */
  readonly keptMs: number;
  /** How long links to images are valid, in milliseconds: nobody can see an older image. */
  readonly linksMs: number;
}

export interface RemovedOfJobs {
  readonly jobPayloads: number;
  readonly pictures: number;
}

/** One round. @throws when a store is away; what was removed by then stays so. */
export async function removeExpiredPayloads(deps: JobRetentionDeps): Promise<RemovedOfJobs> {
  const { keptMs, linksMs, storedImages } = deps;
  const freeMs = Math.min(FREE_KEPT_MS, keptMs);
  const rules: readonly KeptFor[] = [
    { status: 'COMPLETED', free: false, ms: keptMs },
    { status: 'CANCELLED', free: false, ms: keptMs },
    { status: 'CANCELLED', free: true, ms: freeMs },
    { status: 'FAILED', free: true, ms: freeMs },
  ];
  const removed = { jobPayloads: 0, pictures: 0 };
  for (const rule of rules) {
    for (let more = true; more; ) {
      const batch = await removeBatch(deps, rule);
      removed.jobPayloads += batch.jobPayloads;
      removed.pictures += batch.pictures;
      more = batch.jobPayloads === BATCH;
    }
  }
  for (let more = true; more; ) {
    const old = await storedImages.removeOlderThan(linksMs / 1_000, BATCH);
    removed.pictures += old;
    more = old === BATCH;
  }
  return removed;
}

/** Images first, because a job without payloads is not selected again. */
async function removeBatch({ ledger, store, storedImages }: JobRetentionDeps, rule: KeptFor): Promise<RemovedOfJobs> {
  const jobs = await store.withPayloads(rule, BATCH);
  const removed = await storedImages.removeOf(jobs.map(({ id }) => id));
  if (jobs.length > 0) await ledger.run(removePayloads(jobs));
  return { jobPayloads: jobs.length, pictures: removed };
}
