import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { serveTemporalMetrics } from './temporal-metrics.ts';

after(() => Runtime.instance().shutdown());

test('a port that another process takes in between is left to it', async () => {
  const others = createServer().listen(0, '127.0.0.1');
  await once(others, 'listening');
  const address = others.address();
  assert.ok(typeof address === 'object' && address);
  const tried: string[] = [];
  const read = await serveTemporalMetrics((chosen) => {
    const bindAddress = tried.length === 0 ? `127.0.0.1:${address.port}` : chosen;
    tried.push(bindAddress);
    Runtime.install({
      ...{ shutdownSignals: [], logger: new DefaultLogger('ERROR') },
      telemetryOptions: { metrics: { prometheus: { bindAddress } } },
    });
  });
  assert.equal(tried.length, 2);
  assert.doesNotMatch(await read(), /<html/);
  assert.equal((await fetch(`http://${tried[1]}/metrics`)).status, 200);
  others.close();
});

test('any other failure is reported at once', async () => {
  let tries = 0;
  const install = () => {
    tries += 1;
    throw new Error('no such option');
  };
  await assert.rejects(serveTemporalMetrics(install), /no such option/);
  assert.equal(tries, 1);
});
