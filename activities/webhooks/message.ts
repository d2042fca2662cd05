/** The body of a webhook: what became of a job. Pure. */
import { moneyJson } from '../../core/ledger/money.ts';

/** A job as its owner's receiver gets it. */
export interface EndedJob {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly modelName: string;
  readonly cost: bigint | null;
  readonly errorMessage: string | null;
  readonly metadata: unknown;
  /** JSON text as it was stored, or null. */
  readonly result: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** The field into which the stored result goes as it is: parsing it would round its amounts. */
const RESULT_PLACE = '"resultPayload":null';

/** JSON text; every try has the same bytes, so that receivers can recognize a repetition. */
export function messageOf(job: EndedJob): string {
  const at = job.finishedAt ?? job.createdAt;
  const data = {
    jobId: job.id,
    type: job.type,
    status: job.status,
    modelName: job.modelName,
    cost: job.cost === null ? null : moneyJson(job.cost),
    errorMessage: job.errorMessage,
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    finishedAt: job.finishedAt?.toISOString() ?? null,
    resultPayload: null,
    metadata: job.metadata ?? null,
  };
  const text = JSON.stringify({ type: `job.${job.status.toLowerCase()}`, timestamp: at.toISOString(), data });
  return job.result === null ? text : text.replace(RESULT_PLACE, () => `"resultPayload":${job.result}`);
}
