import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../infra/metrics.ts';
import { serve } from '../application.fixture.ts';
import { serviceRoutes } from './service.ts';

test('readiness shows each dependency, and is 503 only when nothing can be served', async () => {
  const dependencies = { mysql: { ok: true, latencyMs: 1 }, temporal: { ok: true, latencyMs: 2 } };
  const health = {
    health: () => Promise.resolve(dependencies),
    lastReconciliation: () => Promise.resolve({ finishedAt: new Date(0), breaches: 0 }),
    metrics: createMetrics(),
  };
  await using app = await serve(serviceRoutes(health, { APP_TIME_ZONE: 'Asia/Shanghai' }));
  const reported = async () => {
    const answer = await app.call('/readyz');
    return [answer.status, answer.at('code'), answer.at('data.status')];
  };
  assert.deepEqual(await reported(), [200, 200, 'ready']);
  dependencies.temporal = { ok: false, latencyMs: 1000 };
  assert.deepEqual(await reported(), [200, 200, 'degraded']);
  dependencies.mysql = { ok: false, latencyMs: 1000 };
  assert.deepEqual(await reported(), [503, 503, 'unavailable']);
});
