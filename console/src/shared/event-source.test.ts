import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { follow } from './event-source.ts';

class FakeSource {
  readonly #listeners = new Map<string, (event: Event) => void>();
  isClosed = false;
  addEventListener(name: string, listener: (event: Event) => void): void {
    this.#listeners.set(name, listener);
  }
  close(): void {
    this.isClosed = true;
  }
  send(name: string, data = '{}'): void {
    this.#listeners.get(name)?.(new MessageEvent(name, { data }));
  }
}

function start(context: TestContext) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sources: FakeSource[] = [];
  const open = () => {
    const source = new FakeSource();
    sources.push(source);
    return source;
  };
  const calls: string[] = [];
  const lives: boolean[] = [];
  const listeners = { round: () => undefined, call: (data: string) => calls.push(data) };
  const end = follow({ open, listeners, silentMs: 10_000, onLive: (isLive) => lives.push(isLive) });
  const last = () => sources.at(-1) ?? assert.fail('none was opened');
  return { sources, last, calls, lives, end, pass: (ms: number) => context.mock.timers.tick(ms) };
}

test('a feed that was refused is opened again, ever later, and at once after it has sent something', (context) => {
  const { sources, last, pass } = start(context);
  for (const pauseMs of [1_000, 2_000, 5_000, 10_000, 30_000, 30_000]) {
    const before = sources.length;
    last().send('error');
    assert.ok(last().isClosed, 'the browser does not try beside us');
    pass(pauseMs - 1);
    assert.equal(sources.length, before);
    pass(1);
    assert.equal(sources.length, before + 1);
  }
  last().send('round');
  last().send('error');
  const before = sources.length;
  pass(1_000);
  assert.equal(sources.length, before + 1);
});

test('a feed is live while it tells something, and is opened again when it is silent', (context) => {
  const { sources, last, lives, pass } = start(context);
  last().send('round');
  assert.equal(lives.at(-1), true);
  for (let seconds = 0; seconds < 30; seconds += 1) {
    pass(1_000);
    last().send('round');
  }
  assert.equal(sources.length, 1);
  pass(10_000);
  assert.equal(lives.at(-1), false);
  pass(1_000);
  assert.deepEqual(
    sources.map(({ isClosed }) => isClosed),
    [true, false],
  );
});

test('one that never answers is given up, and nothing is opened after the end', (context) => {
  const { sources, lives, end, pass } = start(context);
  pass(10_000);
  pass(1_000);
  assert.equal(sources.length, 2);
  assert.equal(lives.at(-1), false);
  end();
  assert.ok(sources[1]?.isClosed);
  pass(60_000);
  assert.equal(sources.length, 2);
});

test('events are known by their names', (context) => {
  const { last, calls, lives } = start(context);
  last().send('call', 'a');
  last().send('other', 'b');
  assert.deepEqual([calls, lives], [['a'], [true]]);
});
