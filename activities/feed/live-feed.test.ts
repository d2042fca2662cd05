import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, type Mock, mock, test } from 'node:test';
import { pino } from 'pino';
import type { OpenCircuit } from '../../core/key-pool/key-healths.ts';
import { AppError } from '../../infra/errors.ts';
import type { JobEvent } from '../jobs/job-events.ts';
import type { FeedListener } from './feed-listener.ts';
import { LiveFeed } from './live-feed.ts';

const OPEN: OpenCircuit = { providerId: 1, keyId: 2, modelId: 3, circuit: 'open', reason: 'rate', untilMs: 60_000 };
const doc = (extra: object = {}) =>
  JSON.stringify({
    ...{ userId: 7, accessKeyId: 1, modelId: 1, modelIdentifier: 'm', promptTokens: 1, completionTokens: 1 },
    ...{ imageCount: 0, cost: '5', latencyMs: 1, ttftMs: null, isAsync: false, isSuccess: true, errorCode: null },
    ...{ createTime: '2026-01-01T00:00:00.000Z', day: '2026-01-01', ...extra },
  });

/** The stores, in memory. */
class World {
  seq = 5n;
  circuits: OpenCircuit[] = [];
  readonly ended = new Map<bigint, string>();
  readonly listeners = new Set<(event: JobEvent) => void>();
  readonly committed: Mock<() => Promise<ReadonlyMap<number, bigint>>> = mock.fn(async () => new Map([[0, this.seq]]));
  readonly feed = new LiveFeed({
    outbox: {
      committed: this.committed,
      newest: async (_slot, after, last, limit) => {
        const rows = [...this.ended].flatMap(([seq, text]) =>
          seq > after && seq <= last ? [{ seq, id: `call-${seq}`, doc: text }] : [],
        );
        return { rows: rows.slice(-limit), total: rows.length };
      },
    },
    jobEvents: {
      listenToAll: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
    },
    allJobs: { some: async () => [] },
    userList: { names: async (ids) => new Map(ids.map((id) => [id, `user ${id}`])) },
    openCircuits: () => this.circuits,
    log: pino({ level: 'silent' }),
  });

  end(text: string): void {
    this.seq += 1n;
    this.ended.set(this.seq, text);
  }
}

const eventsOf = async (listener: FeedListener) => {
  const news = await listener.next();
  assert.ok(news);
  return news.events.map((event) =>
    event.kind === 'call'
      ? `${event.call.requestId} of ${event.username}`
      : event.kind === 'circuit'
        ? `${event.circuit.keyId} is ${event.circuit.circuit}`
        : event.state.status,
  );
};

describe('the live feed', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => mock.timers.reset());
  const nextRound = () => mock.timers.tick(1_000);

  test('sends calls that end after it was opened, and circuits as they stand and as they change', async () => {
    world.end(doc());
    world.circuits = [OPEN];
    const listener = await world.feed.open(new AbortController().signal);
    assert.deepEqual(await eventsOf(listener), ['2 is open']);
    world.end(doc());
    world.end('{"from":"a later version"}');
    world.end(doc());
    world.circuits = [{ ...OPEN, untilMs: 60_003 }];
    nextRound();
    assert.deepEqual(await eventsOf(listener), ['call-7 of user 7', 'call-9 of user 7']);
    world.circuits = [];
    nextRound();
    assert.deepEqual(await eventsOf(listener), ['2 is closed']);
    nextRound();
    assert.deepEqual(await eventsOf(listener), [], 'nothing twice');
  });

  test('asks nothing and keeps nothing while nobody listens', async () => {
    const leaving = new AbortController();
    const listener = await world.feed.open(leaving.signal);
    const other = await world.feed.open(new AbortController().signal);
    assert.deepEqual([world.listeners.size, world.committed.mock.callCount()], [1, 1]);
    leaving.abort();
    assert.equal(await listener.next(), undefined);
    assert.equal(world.listeners.size, 1, 'one listens still');
    other.close();
    assert.equal(world.listeners.size, 0);
    for (let round = 0; round < 5; round += 1) nextRound();
    assert.equal(world.committed.mock.callCount(), 1);
    world.end(doc());
    const later = await world.feed.open(new AbortController().signal);
    assert.deepEqual(await eventsOf(later), [], 'what was before is not sent');
  });

  test('who does not read keeps the newest thousand events and learns how many are gone', async () => {
    const listener = await world.feed.open(new AbortController().signal);
    for (let round = 0; round < 8; round += 1) {
      for (let call = 0; call < 150; call += 1) world.end(doc());
      nextRound();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const news = await listener.next();
    assert.deepEqual([news?.events.length, news?.missed], [1_000, 200]);
    const last = news?.events.at(-1);
    assert.equal(last?.kind === 'call' && last.call.requestId, `call-${world.seq}`);
  });

  test('of more calls than anybody can follow the newest are sent, and how many more there were', async () => {
    const listener = await world.feed.open(new AbortController().signal);
    await listener.next();
    for (let call = 0; call < 500; call += 1) world.end(doc());
    nextRound();
    const news = await listener.next();
    assert.deepEqual([news?.events.length, news?.missed], [200, 300]);
  });

  test('a database that is away for a moment loses no call', async () => {
    const listener = await world.feed.open(new AbortController().signal);
    await listener.next();
    world.committed.mock.mockImplementationOnce(() => Promise.reject(new Error('away')), 1);
    world.end(doc());
    nextRound();
    assert.deepEqual(await eventsOf(listener), []);
    nextRound();
    assert.deepEqual(await eventsOf(listener), ['call-6 of user 7']);
  });

  test('has fifty listeners at most, and none once the process stops', async () => {
    const { signal } = new AbortController();
    const listeners = await Promise.all(Array.from({ length: 50 }, () => world.feed.open(signal)));
    const refused = (kind: string) => (error: unknown) => error instanceof AppError && error.kind === kind;
    await assert.rejects(world.feed.open(signal), refused('tooManyRequests'));
    listeners[0]?.close();
    await world.feed.open(signal);
    world.feed.close();
    assert.equal(await listeners[1]?.next(), undefined);
    assert.equal(world.listeners.size, 0);
    await assert.rejects(world.feed.open(signal), refused('unavailable'));
  });

  test('a feed that cannot begin leaves nothing behind', async () => {
    world.committed.mock.mockImplementationOnce(() => Promise.reject(new Error('away')), 0);
    await assert.rejects(world.feed.open(new AbortController().signal), /away/);
    assert.equal(world.listeners.size, 0);
    const listener = await world.feed.open(new AbortController().signal);
    assert.deepEqual(await eventsOf(listener), []);
  });
});
