/** What every finished call writes in addition to its money: a usage document for MongoDB and a line of statistics. */
import { insertRows } from '../../../infra/mysql/literal.ts';
import type { LedgerSink } from '../commit-queue/table.ts';

export interface UsageDocument {
  readonly id: string;
  /** Local day (APP_TIME_ZONE) of the commit, yyyy-MM-dd. */
  readonly day: string;
  /** Everything but the day and the cost, which are known only when the commit queue has decided. */
  readonly record: Readonly<Record<string, unknown>>;
  /** What was charged, in nano-units. */
  readonly cost: bigint;
}

/** In commit order within a slot: `seq` of the batch, then the place within it. */
export const usageOutbox: LedgerSink<UsageDocument> = {
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
        item.id,
        JSON.stringify({ ...item.record, day: item.day, cost: item.cost.toString() }),
      ]),
    ),
};

export interface StatisticsEntry {
  readonly day: string;
  readonly modelId: number;
  readonly success: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly images: number;
  readonly cost: bigint;
}

const COUNTERS = ['requests', 'successes', 'failures', 'prompt_tokens', 'completion_tokens', 'images', 'cost'];

export const statistics: LedgerSink<StatisticsEntry> = {
  name: 'stats',
  write: (items, writer) => {
    const sums = new Map<string, [string, number, ...bigint[]]>();
    for (const item of items) {
      const key = `${item.day} ${item.modelId}`;
      const [, , ...before] = sums.get(key) ?? [item.day, item.modelId, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
      const entry = [
        1n,
        item.success ? 1n : 0n,
        item.success ? 0n : 1n,
        BigInt(item.promptTokens),
        BigInt(item.completionTokens),
        BigInt(item.images),
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
