import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, 'main.ts');

/** Starts the process and returns its address once it listens. */
async function start(...flags: string[]): Promise<{ simulator: ChildProcess; url: string }> {
  const simulator = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
  let output = '';
  for await (const bytes of simulator.stdout) {
    output += String(bytes);
    const url = /listening on (http:\S+)/.exec(output)?.[1];
    if (url) return { simulator, url };
  }
  throw new Error(`the simulator ended: ${output}`);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends the process at once, although a call hangs`, async () => {
    const { simulator, url } = await start('--port', '0');
    assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: 'ok' });
    const hanging = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sim-test' },
      body: JSON.stringify({ model: 'sim-chat!hang', messages: [{ role: 'user', content: 'hi' }] }),
    });
    const cut = assert.rejects(hanging, TypeError);
    for (let running = 0; running === 0; ) {
      const { byKey } = (await (await fetch(`${url}/control/counts`)).json()) as {
        byKey: Record<string, { running: number }>;
      };
      running = byKey['sim-test']?.running ?? 0;
    }
    const signalledAt = performance.now();
    simulator.kill(signal);
    const [code] = await once(simulator, 'exit');
    assert.equal(code, 0);
    assert.ok(performance.now() - signalledAt < 2_000);
    await cut;
  });
}

test('a wrong flag ends the process with its name', async () => {
  const simulator = spawn(process.execPath, [MAIN, '--port', '99999'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {},
  });
  let errors = '';
  for await (const bytes of simulator.stderr) errors += String(bytes);
  assert.notEqual(simulator.exitCode, 0);
  assert.match(errors, /--port/);
});
