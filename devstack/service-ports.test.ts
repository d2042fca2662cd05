import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { claimServicePorts } from './service-ports.ts';
import { userSettings } from './user-settings.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'service-ports-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

function machine(...busy: number[]) {
  return { claims: mkdtempSync(join(SCRATCH, 'claims-')), isFree: async (port: number) => !busy.includes(port) };
}
const asked = (values: Record<string, string>) => userSettings(SCRATCH, values, {});

test('the usual ports where they are free', async () => {
  const { ports, notes } = await claimServicePorts(asked({}), machine());
  assert.deepEqual(ports, { api: 8060, worker: 8061, simulator: 8070, webhooks: 8090 });
  assert.deepEqual(notes, []);
});

test('a usual port that is busy is reported, with what is taken instead', async () => {
  const { ports, notes } = await claimServicePorts(asked({}), machine(8060));
  assert.deepEqual([ports.api, ports.worker], [8061, 8062]);
  assert.match(
    notes[0] ?? '',
    /^Port 8060 is busy \(another program; to see which: .*8060.*\): 8061 is for the API\.$/,
  );
  assert.match(notes[1] ?? '', /^Port 8061 is busy \(this start uses it already\): 8062 is for the worker\.$/);
});

test('a port that was asked for is taken, before a usual one could take it, or refused', async () => {
  const wanted = { PORT: '8061', WORKER_PORT: '9000' };
  assert.deepEqual((await claimServicePorts(asked(wanted), machine())).ports, {
    ...{ api: 8061, worker: 9000, simulator: 8070, webhooks: 8090 },
  });
  const swapped = await claimServicePorts(asked({ WORKER_PORT: '8060' }), machine());
  assert.deepEqual([swapped.ports.worker, swapped.ports.api], [8060, 8061]);
  const busy = machine(9000);
  await assert.rejects(claimServicePorts(asked(wanted), busy), {
    name: 'SettingRefused',
    message: /^WORKER_PORT \(environment\): port 9000 is busy: another program; .* set another WORKER_PORT\.$/,
  });
  assert.deepEqual(readdirSync(busy.claims), [], 'what it had taken before is free again');
});

test('one port for two is refused, and so is that of another start; 0 is any', async () => {
  const same = { PORT: '9000', WORKER_PORT: '9000' };
  await assert.rejects(claimServicePorts(asked(same), machine()), /this start uses it already/);
  assert.equal((await claimServicePorts(asked({ PORT: '0' }), machine())).ports.api, 8060);
});
