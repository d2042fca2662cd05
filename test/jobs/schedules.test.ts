import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { createLogger } from '../../infra/logger.ts';
import { keepSchedules } from '../../workers/schedules.ts';
import { type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

describe('work by the clock', () => {
  let product: Product;
  let connection: Connection;
  let client: Client;
  before(async () => {
    product = await startProduct({ name: 'schedules', settings: { APP_TIME_ZONE: 'Asia/Shanghai' } });
    connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    client = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
  });
  after(async () => {
    await connection?.close();
    await product?.close();
  });

  const runsOf = async (scheduleId: string) =>
    (await client.schedule.getHandle(scheduleId).describe()).info.recentActions.length;
  const reconciliations = async () => (await product.rows('SELECT id,breaches FROM reconciliations')).length;

  test('a new installation is checked at once, then every night in its own time zone', async () => {
    await until('the first check is kept', async () => (await reconciliations()) === 1);
    await until('retention has run', async () => (await runsOf('retention')) === 1);
    const { spec, info, action } = await client.schedule.getHandle('ledgerReconciliation').describe();
    assert.equal(spec.timezone, 'Asia/Shanghai');
    assert.equal(info.nextActionTimes[0]?.toISOString().slice(11), '19:30:00.000Z', '03:30 in Shanghai');
    assert.equal(action.type === 'startWorkflow' && action.memo?.title, 'ledger reconciliation · nightly');
  });

  test('several workers put them at once; one that an operator paused stays paused and is brought up to date', async () => {
    const handle = client.schedule.getHandle('retention');
    await handle.pause('an operator is at work');
    const { signal } = new AbortController();
    await Promise.all([1, 2, 3].map(() => keepSchedules(client, 'Europe/Berlin', createLogger('silent'), signal)));
    const { state, spec } = await handle.describe();
    assert.deepEqual([state.paused, state.note, spec.timezone], [true, 'an operator is at work', 'Europe/Berlin']);
    assert.equal(await runsOf('retention'), 1, 'bringing up to date starts nothing');
  });

  test('an operator triggers a check; a breach fails the workflow and names the invariant', async () => {
    const before = await reconciliations();
    const workflows = async () => {
      const found: string[] = [];
      for await (const { workflowId, status } of client.workflow.list({
        query: "WorkflowType='ledgerReconciliation' AND ExecutionStatus='Failed'",
      })) {
        found.push(`${workflowId} ${status.name}`);
      }
      return found;
    };
    assert.deepEqual(await workflows(), []);
    await product.execute('UPDATE accounts SET available=available+1 WHERE id=1');
    await client.schedule.getHandle('ledgerReconciliation').trigger();
    await until('it is checked again', async () => (await reconciliations()) === before + 1);
    await until('the workflow has failed', async () => (await workflows()).length === 1);
    await product.execute('UPDATE accounts SET available=available-1 WHERE id=1');
  });
});
