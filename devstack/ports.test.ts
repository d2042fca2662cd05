import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { claimPort, isPortFree } from './ports.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'ports-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const claims = () => mkdtempSync(join(SCRATCH, 'ports-'));

test('the wanted port where it is free, else the next free one', async () => {
  const free = async (port: number) => port !== 3306 && port !== 3307;
  assert.equal((await claimPort(3305, claims(), free)).port, 3305);
  assert.equal((await claimPort(3306, claims(), free)).port, 3308);
});

test('two launchers that look at the same moment get two ports; a released one is free again', async () => {
  const folder = claims();
  const both = await Promise.all([1, 2].map(() => claimPort(7000, folder, async () => true)));
  assert.deepEqual(both.map(({ port }) => port).sort(), [7000, 7001]);
  for (const { claim } of both) claim.release();
  assert.deepEqual(readdirSync(folder), []);
  assert.equal((await claimPort(7000, folder, async () => true)).port, 7000);
});

test('a claim on a port that turns out busy is not kept', async () => {
  const folder = claims();
  await claimPort(7000, folder, async (port) => port === 7001);
  assert.deepEqual(readdirSync(folder), ['7001']);
});

test('says so when no port is free', async () => {
  await assert.rejects(
    claimPort(7000, claims(), async () => false),
    /no free port from 7000 to 7199/,
  );
});

test('a server on loopback or on all addresses makes its port busy', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    assert.equal(await isPortFree(port), false);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await isPortFree(port), true);
  }
});
