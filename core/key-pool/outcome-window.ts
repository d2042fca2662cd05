/** Successes and failures of the last five minutes, in buckets of a minute. Time comes in as an argument. */
const BUCKET_MS = 60_000;
const BUCKETS = 5;

export interface Outcomes {
  readonly successes: number;
  readonly failures: number;
}

interface Bucket {
  minute: number;
  successes: number;
  failures: number;
}

export class OutcomeWindow {
  /** By subject; a minute's bucket is at index minute % BUCKETS. */
  readonly #buckets = new Map<string, Bucket[]>();

  record(subject: string, failed: boolean, nowMs: number): void {
    const minute = Math.floor(nowMs / BUCKET_MS);
    const buckets = this.#buckets.get(subject) ?? emptyBuckets();
    this.#buckets.set(subject, buckets);
    const index = minute % BUCKETS;
    const known = buckets[index];
    const bucket = known?.minute === minute ? known : { minute, successes: 0, failures: 0 };
    buckets[index] = bucket;
    if (failed) bucket.failures += 1;
    else bucket.successes += 1;
  }

  outcomes(subject: string, nowMs: number): Outcomes {
    const oldest = Math.floor(nowMs / BUCKET_MS) - BUCKETS;
    const buckets = (this.#buckets.get(subject) ?? []).filter(({ minute }) => minute > oldest);
    return {
      successes: buckets.reduce((sum, bucket) => sum + bucket.successes, 0),
      failures: buckets.reduce((sum, bucket) => sum + bucket.failures, 0),
    };
  }
}

function emptyBuckets(): Bucket[] {
  return Array.from({ length: BUCKETS }, () => ({ minute: Number.NEGATIVE_INFINITY, successes: 0, failures: 0 }));
}

/** 0–1; 0 when there were no calls. */
export function failureRate({ successes, failures }: Outcomes): number {
  return failures === 0 ? 0 : failures / (successes + failures);
}
