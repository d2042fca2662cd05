import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asyncChatBench } from '../../bench/async-chat.ts';
import type { Bench } from '../../bench/bench.ts';
import { gatewayBench } from '../../bench/gateway.ts';
import { ledgerBench } from '../../bench/ledger.ts';
import { ProgramMissing } from '../../bench/programs.ts';
import { streamsBench } from '../../bench/streams.ts';
import { testStack } from '../../devstack/test-stack.ts';

/** Whether the benches run and give figures; what the figures are is no matter for a test. */
for (const { bench, rows } of [
  { bench: gatewayBench, rows: 9 },
  { bench: streamsBench, rows: 3 },
  { bench: asyncChatBench, rows: 6 },
  { bench: ledgerBench, rows: 8 },
]) {
  test(`${bench.name} runs a round of a second`, async () => {
    const table = await tableOf(bench);
    if (table === undefined) return;
    const figures = table.split('\n').filter((line) => line.startsWith('|'));
    assert.equal(figures.length, rows + 2, table);
    assert.doesNotMatch(table, /NaN|Infinity/);
  });
}

/** Undefined where the programs that a bench needs cannot be had; then it must say which and what helps. */
async function tableOf(bench: Bench): Promise<string | undefined> {
  const { signal } = new AbortController();
  const how = {
    rounds: 1,
    seconds: 1,
    short: true,
    only: ['calls', 'bodies', 'streams', 'kill'],
    profileFolder: undefined,
    signal,
    say: () => undefined,
  };
  const context = { stack: testStack(), others: [], ...how };
  try {
    return await bench.run(context);
  } catch (error) {
    if (!(error instanceof ProgramMissing)) throw error;
    assert.match(error.message, /wrk|Go/);
    return undefined;
  }
}
