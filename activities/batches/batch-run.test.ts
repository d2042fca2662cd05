import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import pino from 'pino';
import type { ClaimRequest } from '../../core/ledger/operations/claim.ts';
import { claimKey } from '../../core/ledger/tables/claims.ts';
import { AppError } from '../../infra/errors.ts';
import { type BatchRunDeps, BatchRunner } from './batch-run.ts';
import { LinesWait } from './line-retry.ts';
import { BATCH_ID, callerOf, MemoryBatch, models } from './memory-batch.fixture.ts';

const log = pino({ level: 'silent' });
type Answer = BatchRunDeps['endpoints']['/v1/embeddings'];
const ANSWER = { requestId: 'r', body: '{"is":"good"}' };
const answers: Answer = async () => ANSWER;

function runnerOf(batch: MemoryBatch, answer: Answer = answers, changed: Partial<BatchRunDeps> = {}): BatchRunner {
  const { store, files, ledger } = batch;
  const endpoints = { '/v1/chat/completions': answer, '/v1/embeddings': answer };
  return new BatchRunner({
    store,
    files,
    ledger,
    models,
    endpoints,
    callerOf,
    bytesPerUser: 1_000_000,
    keptMs: 1_000,
    log,
    ...changed,
  });
}

const context = (attempt: number) => ({ attempt, signal: new AbortController().signal, log });

function secondsOf(error: unknown): number {
  assert.ok(error instanceof LinesWait, String(error));
  return error.seconds;
}

test('a step ends after all of its calls, also when one of them breaks it', async () => {
  const batch = new MemoryBatch(2);
  const slow = Promise.withResolvers<void>();
  let calls = 0;
  const runner = runnerOf(batch, async () => {
    calls += 1;
    if (calls === 2) throw new AppError('databaseUnavailable', 'for a moment');
    await slow.promise;
    return ANSWER;
  });
  let hasEnded = false;
  const step = runner.runLines(BATCH_ID, 0, 2, context(1)).finally(() => {
    hasEnded = true;
  });
  step.catch(() => undefined);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.equal(hasEnded, false);
  slow.resolve();
  await assert.rejects(step, { kind: 'databaseUnavailable' });
  assert.deepEqual(
    batch.lines.map(({ succeeded }) => succeeded),
    [true, null],
  );
});

test('a line that another process answers is never an error, however long that takes', async () => {
  const batch = new MemoryBatch(1);
  const busy = runnerOf(batch, async () => {
    throw new AppError('idempotencyInUse', 'is running', { retryAfterSeconds: 1 });
  });
  for (const attempt of [1, 100, 10_000]) {
    await assert.rejects(busy.runLines(BATCH_ID, 0, 1, context(attempt)), LinesWait);
  }
  assert.equal(batch.lines[0]?.succeeded, null);
  await runnerOf(batch).runLines(BATCH_ID, 0, 1, context(10_001));
  assert.equal(batch.lines[0]?.succeeded, true);
});

test('a line waits for what passes, longer from try to try, and has its error in the end', async () => {
  for (const kind of [
    'tooManyRequests',
    'modelCallFailed',
    'upstreamTimeout',
    'insufficientBalance',
    'budgetSpent',
  ] as const) {
    const batch = new MemoryBatch(1);
    const failing = runnerOf(batch, async () => {
      throw new AppError(kind, 'not now');
    });
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 29; attempt += 1) {
      await assert.rejects(
        failing.runLines(BATCH_ID, 0, 1, context(attempt)),
        (error) => waits.push(secondsOf(error)) > 0,
      );
    }
    assert.deepEqual([waits[0], waits[1], waits[28]], [0.5, 1, 30], kind);
    assert.equal(batch.lines[0]?.succeeded, null, kind);
    await failing.runLines(BATCH_ID, 0, 1, context(30));
    assert.equal(batch.lines[0]?.succeeded, false, kind);
  }
});

test('a line has its error at once where another try would only be paid for again', async () => {
  const batch = new MemoryBatch(1);
  const failing = runnerOf(batch, async () => {
    throw new AppError('modelCallFailed', 'the provider delivered nothing', { repeatable: false });
  });
  await failing.runLines(BATCH_ID, 0, 1, context(1));
  assert.equal(batch.lines[0]?.succeeded, false);
});

test('a line that breaks off unexpectedly does not keep its batch from its end', async () => {
  const batch = new MemoryBatch(2);
  Object.assign(batch.lines[1] ?? {}, { request: Buffer.from('{"input":"good"}') });
  const breaking = runnerOf(batch, async ({ body }) => {
    if (body.input === 'good') return ANSWER;
    throw new TypeError('nobody has thought of it');
  });
  for (let attempt = 1; attempt < 5; attempt += 1) {
    await assert.rejects(breaking.runLines(BATCH_ID, 0, 2, context(attempt)), LinesWait);
  }
  await breaking.runLines(BATCH_ID, 0, 2, context(5));
  assert.deepEqual(
    batch.lines.map(({ succeeded }) => succeeded),
    [false, true],
  );
  assert.match(String(batch.lines[0]?.result), /"response":null,"error":\{"code":"server_error"/);
  const paid = new MemoryBatch(1);
  const charged = runnerOf(paid, async ({ claim }) => {
    const answer = Buffer.from(JSON.stringify({ requestId: 'paid', body: '{"is":"paid"}' }));
    paid.claims.set(claimKey(claim), {
      ...claim,
      ...{ operationId: 'paid', slot: 1, epoch: 1, writerEpoch: 1, answerStatus: 200, answer },
      expiresAtMs: Date.now() + 60_000,
    });
    throw new TypeError('after the charge');
  });
  for (let attempt = 1; attempt < 5; attempt += 1) {
    await assert.rejects(charged.runLines(BATCH_ID, 0, 1, context(attempt)), LinesWait);
  }
  await charged.runLines(BATCH_ID, 0, 1, context(5));
  assert.match(String(paid.lines[0]?.result), /"is":"paid"/, 'what was charged is answered');
  const away = runnerOf(new MemoryBatch(1), async () => {
    throw Object.assign(new Error('gone'), { code: 'ECONNRESET', fatal: true });
  });
  await assert.rejects(away.runLines(BATCH_ID, 0, 1, context(1)), /gone/);
});

test('a line waits as long as the provider asks, at most a minute', async () => {
  for (const [retryAfterSeconds, waited] of [
    [7, 7],
    [3_600, 60],
  ] as const) {
    const failing = runnerOf(new MemoryBatch(1), async () => {
      throw new AppError('modelOffline', 'no key is usable', { retryAfterSeconds });
    });
    const step = failing.runLines(BATCH_ID, 0, 1, context(1));
    await assert.rejects(step, (error) => secondsOf(error) === waited);
  }
});

test('what does not pass is the result at once, and does not keep the other lines', async () => {
  const batch = new MemoryBatch(3);
  const runner = runnerOf(batch, async ({ requestId, claim }) => {
    if (claim.keyHash.equals(first)) throw new AppError('modelOffline', 'the model is offline');
    return { ...ANSWER, requestId };
  });
  let first: Buffer = Buffer.alloc(0);
  await runnerOf(new MemoryBatch(1), async ({ claim }) => {
    first = claim.keyHash;
    return ANSWER;
  }).runLines(BATCH_ID, 0, 1, context(1));
  await runner.runLines(BATCH_ID, 0, 3, context(1));
  assert.deepEqual(
    batch.lines.map(({ succeeded }) => succeeded),
    [false, true, true],
  );
});

test('a batch that is over begins no line, so that its step does not wait any longer', async () => {
  const batch = new MemoryBatch(1);
  batch.row = { ...batch.row, expiresAt: new Date(0) };
  await runnerOf(batch, () => assert.fail('a call')).runLines(BATCH_ID, 0, 1, context(5));
  assert.equal(await runnerOf(batch).end(BATCH_ID), 'expired');
  assert.match(batch.text('errorFileId') ?? '', /batch_expired/);
});

test('a process that wakes up after the batch was ended by another one changes nothing', async () => {
  const batch = new MemoryBatch(2);
  await runnerOf(batch).runLines(BATCH_ID, 0, 2, context(1));
  const frozen = Promise.withResolvers<void>();
  const put: BatchRunDeps['files']['put'] = async (meta, pieces) => {
    await frozen.promise;
    return batch.files.put(meta, pieces);
  };
  const late = runnerOf(batch, answers, { files: { ...batch.files, put } }).end(BATCH_ID);
  await turn();
  assert.equal(await runnerOf(batch).end(BATCH_ID), 'completed');
  const written = batch.text('outputFileId');
  assert.equal(written?.trim().split('\n').length, 2);
  frozen.resolve();
  assert.equal(await late, 'completed');
  assert.equal(batch.text('outputFileId'), written);
  assert.equal(batch.row.errorFileId, null);
});

test('of two processes that end a batch at once, one files its texts and the other removes its own', async () => {
  const batch = new MemoryBatch(1);
  await runnerOf(batch).runLines(BATCH_ID, 0, 1, context(1));
  const bothWrote = Promise.withResolvers<void>();
  let waiting = 0;
  const counts: BatchRunDeps['store']['counts'] = async (id) => {
    waiting += 1;
    if (waiting === 2) bothWrote.resolve();
    await bothWrote.promise;
    return batch.store.counts(id);
  };
  const store = { ...batch.store, counts };
  const ends = [runnerOf(batch, answers, { store }).end(BATCH_ID), runnerOf(batch, answers, { store }).end(BATCH_ID)];
  assert.deepEqual(await Promise.all(ends), ['completed', 'completed']);
  assert.deepEqual([...batch.texts.keys()], [batch.row.outputFileId]);
  assert.match(batch.text('outputFileId') ?? '', /"is":"good"/);
});

test('an end that was cut off after its status still gives back the hold and removes the lines', async () => {
  const batch = new MemoryBatch(1, 'completed');
  assert.equal(await runnerOf(batch).end(BATCH_ID), 'completed');
  assert.deepEqual([batch.released, batch.lines.length, batch.texts.size], [1, 0, 0]);
});

test('a line that was charged by a process that died has its answer, also where nobody runs it again', async () => {
  const batch = new MemoryBatch(3);
  const claimed: ClaimRequest[] = [];
  await runnerOf(new MemoryBatch(1), async ({ claim }) => {
    claimed.push(claim);
    return ANSWER;
  }).runLines(BATCH_ID, 0, 1, context(1));
  const [claim] = claimed;
  assert.ok(claim);
  const answer = Buffer.from(JSON.stringify({ requestId: 'paid', body: '{"is":"paid"}' }));
  batch.claims.set(claimKey(claim), {
    ...claim,
    ...{ operationId: 'paid', slot: 1, epoch: 1, writerEpoch: 1, answerStatus: 200, answer },
    expiresAtMs: Date.now() + 60_000,
  });
  batch.row = { ...batch.row, status: 'cancelling' };
  assert.equal(await runnerOf(batch).end(BATCH_ID), 'cancelled');
  assert.match(batch.text('outputFileId') ?? '', /^{[^\n]*"custom_id":"c0"[^\n]*"is":"paid"[^\n]*\n$/);
  assert.equal(batch.text('errorFileId')?.match(/batch_cancelled/g)?.length, 2);
  assert.deepEqual([batch.row.completed, batch.row.failed], [1, 2]);
});

const lineOf = (customId: string, text: string) =>
  JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/embeddings', body: { input: text } });

test('lines are written in portions of bytes, not of characters', async () => {
  const batch = new MemoryBatch(0, 'validating');
  // 0.9 MB each: three characters of these are nine bytes.
  batch.inputText = Array.from({ length: 6 }, (_, index) => lineOf(`c${index}`, '中'.repeat(300_000))).join('\n');
  const portions: number[] = [];
  const addLines: BatchRunDeps['store']['addLines'] = async (_id, lines) => {
    portions.push(lines.reduce((sum, { request }) => sum + Buffer.byteLength(request), 0));
    return true;
  };
  assert.equal(await runnerOf(batch, answers, { store: { ...batch.store, addLines } }).begin(BATCH_ID), 6);
  assert.equal(portions.length, 3);
  assert.ok(
    portions.every((bytes) => bytes <= 2 * 1024 * 1024),
    String(portions),
  );
});

test('a batch whose file was not read within its time has failed', async () => {
  const batch = new MemoryBatch(0, 'validating');
  batch.row = { ...batch.row, expiresAt: new Date(0) };
  assert.equal(await runnerOf(batch).begin(BATCH_ID), 0);
  assert.deepEqual([batch.row.status, batch.row.errors?.[0]?.code], ['failed', 'batch_expired']);
});

test('a batch of a key with a budget is held for from it, and refused where it is too short', async () => {
  const batch = new MemoryBatch(0, 'validating');
  batch.inputText = lineOf('a', 'text');
  batch.outcomes = Array(2).fill({ kind: 'budget-spent', left: 1_500_000_000n });
  const budgeted: BatchRunDeps['callerOf'] = async (userId, accessKeyId) => ({
    ...(await callerOf(userId, accessKeyId)),
    ...{ budget: 2_000_000_000n, budgetPeriod: 'month' },
  });
  await runnerOf(batch, answers, { callerOf: budgeted }).begin(BATCH_ID);
  assert.deepEqual(batch.holds[0]?.budget, { limit: 2_000_000_000n, periodStart: '2026-11-01' });
  const [error] = batch.row.errors ?? [];
  assert.deepEqual([batch.row.status, error?.code], ['failed', 'insufficient_quota']);
  assert.match(error?.message ?? '', /the access key's budget has 1\.5\S* left, which does not cover the batch/);
});

test('money that is leased to processes is called back before a batch is refused', async () => {
  for (const [outcomes, status] of [
    [[{ kind: 'insufficient', available: 0n }], 'in_progress'],
    [Array(2).fill({ kind: 'insufficient', available: 0n }), 'failed'],
  ] as const) {
    const batch = new MemoryBatch(0, 'validating');
    batch.inputText = lineOf('a', 'text');
    batch.outcomes = [...outcomes];
    await runnerOf(batch).begin(BATCH_ID);
    assert.deepEqual([batch.row.status, batch.recalls], [status, 1]);
  }
});

/** Stops a run after it has written its first lines. */
function pausedAfterLines(batch: MemoryBatch) {
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const addLines: BatchRunDeps['store']['addLines'] = async (id, lines) => {
    reached.resolve();
    await go.promise;
    return batch.store.addLines(id, lines);
  };
  return { store: { ...batch.store, addLines }, reached: reached.promise, go: go.resolve };
}

test('two runs of the first step at once both say what the row says', async () => {
  const batch = new MemoryBatch(0, 'validating');
  batch.inputText = [lineOf('a', 'text'), lineOf('b', 'text')].join('\n');
  const { store, reached, go } = pausedAfterLines(batch);
  const late = runnerOf(batch, answers, { store }).begin(BATCH_ID);
  await reached;
  assert.equal(await runnerOf(batch).begin(BATCH_ID), 2);
  go();
  assert.equal(await late, 2);
  assert.deepEqual([batch.row.status, batch.released, batch.lines.length], ['in_progress', 0, 2]);
});

test('a run that fails leaves a batch that another run has begun, and its hold', async () => {
  for (const status of ['in_progress', 'cancelling'] as const) {
    const batch = new MemoryBatch(0, 'validating');
    batch.inputText = lineOf('a', 'text');
    const asked = Promise.withResolvers<void>();
    const failing = runnerOf(batch, answers, {
      callerOf: async () => {
        await asked.promise;
        throw new AppError('forbidden', 'the access key is disabled');
      },
    }).begin(BATCH_ID);
    assert.equal(await runnerOf(batch).begin(BATCH_ID), 1);
    batch.row = { ...batch.row, status };
    asked.resolve();
    assert.equal(await failing, 1);
    assert.deepEqual([batch.row.status, batch.released, batch.lines.length], [status, 0, 1]);
  }
});

test('a batch that was given up by a process that died has failed, and its hold goes back', async () => {
  const batch = new MemoryBatch(0, 'validating');
  await batch.store.giveUp(BATCH_ID, [{ code: 'c', message: 'm', line: null, param: null }]);
  assert.equal(await runnerOf(batch).begin(BATCH_ID), 0);
  assert.equal(await runnerOf(batch).end(BATCH_ID), 'failed');
  assert.deepEqual([batch.released, batch.row.errors?.[0]?.code], [1, 'c']);
});

test('a batch whose file is removed, also while it is read, fails and names the field', async () => {
  for (const isReading of [false, true]) {
    const batch = new MemoryBatch(0, 'validating');
    batch.hasInput = isReading;
    async function* read() {
      yield Buffer.from(`${lineOf('a', 'text')}\n`);
      throw new AppError('notFound', 'was removed while it was read');
    }
    assert.equal(await runnerOf(batch, answers, { files: { ...batch.files, read } }).begin(BATCH_ID), 0);
    const [error] = batch.row.errors ?? [];
    assert.deepEqual([batch.row.status, error?.param, batch.lines.length], ['failed', 'input_file_id', 0]);
    assert.match(error?.message ?? '', /the file file-in was removed before the batch had read it/);
  }
});

test('results are written whole however few of them come at once, with bounded bytes', async () => {
  const batch = new MemoryBatch(5);
  await runnerOf(batch).runLines(BATCH_ID, 0, 5, context(1));
  const asked: number[] = [];
  const limits: number[] = [];
  const results: BatchRunDeps['store']['results'] = async (id, from, limit, mostBytes) => {
    asked.push(mostBytes);
    limits.push(limit);
    return batch.store.results(id, from, Math.min(limit, 2), mostBytes);
  };
  assert.equal(await runnerOf(batch, answers, { store: { ...batch.store, results } }).end(BATCH_ID), 'completed');
  assert.deepEqual(limits.slice(0, 3), [100, 4, 4], 'few are measured where few fit');
  const written = (batch.text('outputFileId') ?? '').match(/"custom_id":"c\d"/g);
  assert.deepEqual(
    written,
    [0, 1, 2, 3, 4].map((line) => `"custom_id":"c${line}"`),
  );
  assert.ok(
    asked.every((bytes) => bytes <= 8 * 1024 * 1024),
    String(asked),
  );
});

test('two processes that end a batch at once leave the files of one, in whichever of them the other finds its lines gone', async () => {
  for (const at of [1, 2]) {
    const batch = new MemoryBatch(2);
    await runnerOf(batch).runLines(BATCH_ID, 0, 1, context(1));
    let reads = 0;
    const results: BatchRunDeps['store']['results'] = async (...asked) => {
      reads += 1;
      if (reads === at) assert.equal(await runnerOf(batch).end(BATCH_ID), 'completed');
      return batch.store.results(...asked);
    };
    assert.equal(await runnerOf(batch, answers, { store: { ...batch.store, results } }).end(BATCH_ID), 'completed');
    const { outputFileId, errorFileId } = batch.row;
    assert.deepEqual([...batch.texts.keys()].sort(), [outputFileId, errorFileId].sort(), `read ${at}`);
  }
  const batch = new MemoryBatch(1);
  const results = async () => [];
  await assert.rejects(runnerOf(batch, answers, { store: { ...batch.store, results } }).end(BATCH_ID), /lost lines/);
});

test('what a line waited for is no try of it: its first failure after that passes, too', async () => {
  const batch = new MemoryBatch(1);
  const offline = runnerOf(batch, async () => {
    throw new AppError('modelOffline', 'no key is usable', { retryAfterSeconds: 1 });
  });
  for (const attempt of [1, 30, 100]) {
    await assert.rejects(offline.runLines(BATCH_ID, 0, 1, context(attempt)), LinesWait);
  }
  const busy = runnerOf(batch, async () => {
    throw new AppError('tooManyRequests', 'slow down');
  });
  await assert.rejects(busy.runLines(BATCH_ID, 0, 1, context(101)), LinesWait);
  assert.deepEqual([batch.lines[0]?.succeeded, batch.lines[0]?.tries], [null, 1]);
});

test('lines whose results have no room are not called and say so, in the limit of a batch and of its user', async () => {
  for (const [fill, code] of [
    [(batch: MemoryBatch) => Object.assign(batch.row, { resultBytes: 512 * 1024 * 1024 }), /"batch_too_large".*512 MB/],
    [
      (batch: MemoryBatch) => Object.assign(batch, { fileBytes: 1_000_000 }),
      /"file_storage_full".*FILE_STORAGE_PER_USER/,
    ],
  ] as const) {
    const batch = new MemoryBatch(1);
    fill(batch);
    await runnerOf(batch, () => assert.fail('a call')).runLines(BATCH_ID, 0, 1, context(1));
    assert.equal(await runnerOf(batch).end(BATCH_ID), 'completed');
    assert.match(batch.text('errorFileId') ?? '', code);
    assert.deepEqual([batch.row.completed, batch.row.failed], [0, 1]);
  }
});

test('the room of a user ends a batch in the middle of it', async () => {
  const batch = new MemoryBatch(50);
  const long = { requestId: 'r', body: JSON.stringify('x'.repeat(1_000)) };
  await runnerOf(batch, async () => long, { bytesPerUser: 5_000 }).runLines(BATCH_ID, 0, 50, context(1));
  const answered = batch.lines.filter(({ succeeded }) => succeeded).length;
  assert.ok(answered >= 4 && answered <= 4 + 8, `${answered} answers`);
  assert.ok(batch.lines.every(({ succeeded }) => succeeded !== null));
});

test('batches that run at once share the room of their user', async () => {
  const batch = new MemoryBatch(50);
  const answer = async () => {
    batch.otherBytes += 4_000;
    return { requestId: 'r', body: JSON.stringify('x'.repeat(1_000)) };
  };
  await runnerOf(batch, answer, { bytesPerUser: 5_000 }).runLines(BATCH_ID, 0, 50, context(1));
  const answered = batch.lines.filter(({ succeeded }) => succeeded).length;
  assert.ok(answered >= 1 && answered <= 1 + 8, `${answered} answers`);
});
