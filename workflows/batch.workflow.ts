/** A batch: its lines in steps, several of which run side by side, and then its end. */
import { continueAsNew, setCurrentDetails } from '@temporalio/workflow';
import { beginBatch, endBatch, runBatchLines } from './activity-proxies.ts';
import type { BatchInput, BatchOutcome } from './contracts.ts';

const LINES_A_STEP = 25;
const STEPS_AT_ONCE = 4;
/** Lines of one run: some 200 steps, which are far fewer events than a history may have. */
const LINES_A_RUN = 5_000;

export async function batch(input: BatchInput): Promise<BatchOutcome> {
  const lineCount = input.lineCount ?? (await beginBatch(input));
  const from = input.from ?? 0;
  const until = Math.min(lineCount, from + LINES_A_RUN);
  setCurrentDetails(`runs lines ${from} to ${until} of ${lineCount}`);
  let next = from;
  const work = async (): Promise<void> => {
    while (next < until) {
      const begin = next;
      next = Math.min(until, begin + LINES_A_STEP);
      await runBatchLines(input, begin, next);
    }
  };
  await Promise.all(Array.from({ length: STEPS_AT_ONCE }, work));
  if (until < lineCount) await continueAsNew<typeof batch>({ ...input, from: until, lineCount });
  setCurrentDetails('writes its files');
  const status = await endBatch(input);
  setCurrentDetails(`${status}; GET /v1/batches/${input.batchId} shows it to its owner`);
  return { status, lineCount };
}
