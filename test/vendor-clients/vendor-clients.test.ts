/**
 * The simulator is held against the vendors' own clients, so that it and our adapters cannot agree on a mistake. Each
 * Python file is a suite of its own; OpenAI's Node client has its tests beside the simulator.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { systemVariables } from '../../devstack/environment.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { pythonWithClients } from './python-clients.ts';

const SUITE_TIMEOUT_MS = 120_000;

let simulator: Simulator;
let python: string;
before(async () => {
  simulator = await startSimulator();
  python = await pythonWithClients();
});
after(() => simulator.close());

for (const suite of ['test_openai.py', 'test_dashscope.py', 'test_ark.py']) {
  test(`${suite}: the vendor's client reads the simulator`, async () => {
    const result = await execa(python, [join(import.meta.dirname, suite)], {
      extendEnv: false,
      env: {
        ...systemVariables(),
        SIMULATOR_URL: simulator.url,
        NO_PROXY: '127.0.0.1',
        // No __pycache__ in the checkout.
        PYTHONDONTWRITEBYTECODE: '1',
      },
      timeout: SUITE_TIMEOUT_MS,
      reject: false,
      all: true,
    });
    assert.equal(result.exitCode, 0, result.all);
    const ran = Number(/^Ran (\d+) tests/m.exec(result.all)?.[1]);
    assert.ok(ran >= 5, `${ran} tests ran:\n${result.all}`);
  });
}
