/** What every finished call writes in addition to its money: its usage record for MongoDB and a line of statistics. */
import { insertRows } from '../../../infra/mysql/literal.ts';
import type { UsageRecord } from '../../usage/usage-record.ts';
import type { LedgerSink } from '../commit-queue/table.ts';

/** In commit order within a slot: `seq` of the batch, then the place within it. */
export const usageOutbox: LedgerSink<UsageRecord> = {
  name: 'usage_outbox',
  write: (items, writer) =>
    insertRows(
      'usage_outbox',
      ['slot', 'seq', 'position', 'day', 'id', 'doc'],
      items.map((item, position) => [
        writer.slot,
        writer.seq,
        position,
        item.day,
        item.requestId,
        JSON.stringify({ ...item, cost: item.cost.toString() }),
      ]),
    ),
};

/** A call of a model, as far as it is counted. */
type CountedCall = Pick<
  UsageRecord,
  'day' | 'isSuccess' | 'promptTokens' | 'completionTokens' | 'imageCount' | 'cost'
> & { readonly modelId: number };

const COUNTERS = ['requests', 'successes', 'failures', 'prompt_tokens', 'completion_tokens', 'images', 'cost'];

export const statistics: LedgerSink<CountedCall> = {
  name: 'stats',
  write: (items, writer) => {
    const sums = new Map<string, [string, number, ...bigint[]]>();
    for (const item of items) {
      const key = `${item.day} ${item.modelId}`;
      const [, , ...before] = sums.get(key) ?? [item.day, item.modelId, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
      const entry = [
        1n,
        item.isSuccess ? 1n : 0n,
        item.isSuccess ? 0n : 1n,
        BigInt(item.promptTokens),
        BigInt(item.completionTokens),
        BigInt(item.imageCount),
        item.cost,
      ];
      sums.set(key, [item.day, item.modelId, ...entry.map((value, index) => value + (before[index] ?? 0n))]);
    }
    // Always the same order of rows, so that two batches cannot deadlock.
    const rows = [...sums.keys()].sort().map((key) => {
      const [day, modelId, ...counters] = sums.get(key) ?? ['', 0];
      return [day, modelId, writer.slot, ...counters];
    });
    const updates = COUNTERS.map((column) => `${column}=${column}+VALUES(${column})`);
    return `${insertRows('stats', ['day', 'model_id', 'slot', ...COUNTERS], rows)} ON DUPLICATE KEY UPDATE ${updates.join(',')}`;
  },
};
