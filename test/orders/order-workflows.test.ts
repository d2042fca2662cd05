import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionAcquireTimeoutError } from 'sequelize';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { type OrderOutcome, orderWorkflowId, TASK_QUEUES } from '../../workflows/contracts.ts';
import type { orderExpiry } from '../../workflows/order-expiry.workflow.ts';
import { type OrderWorkflows, orderWorkflows } from './order-workflows.ts';
import { type Notice, type OrderProcess, type OrderWorld, orderWorld, signedCall } from './order-world.ts';

const AMOUNT = 3_000_000_000n;
const TTL_MS = 2_000;

describe('orders with their workflows', () => {
  let world: OrderWorld;
  let workflows: OrderWorkflows;
  let worker: { stop: () => Promise<void> };
  let shortLived: OrderProcess[];
  let longLived: OrderProcess;
  before(async () => {
    world = await orderWorld('order_workflows_test');
    workflows = await orderWorkflows(world);
    shortLived = await Promise.all([1, 2, 3].map(() => newProcess({ ORDER_TTL: `${TTL_MS}ms` })));
    longLived = await newProcess({ ORDER_TTL: '30m' });
    worker = await workflows.work(longLived);
  });
  after(async () => {
    await worker.stop();
    await workflows.close();
    await world.close();
  });

  function newProcess(settings: Record<string, string>): Promise<OrderProcess> {
    const { starter, signalSettled } = workflows;
    return world.process({ kick: (start) => starter.kick(start), signalSettled, settings });
  }
  function oneOf(processes: readonly OrderProcess[], index: number): OrderProcess {
    const chosen = processes[index % processes.length];
    assert.ok(chosen);
    return chosen;
  }
  /** The end that the workflow reports; it may still have to be started. */
  async function workflowEnd(orderNo: string): Promise<OrderOutcome> {
    const { workflowId } = await longLived.orders.get(orderNo);
    for (;;) {
      try {
        return await workflows.client.workflow.getHandle<typeof orderExpiry>(workflowId).result();
      } catch (error) {
        if (!(error instanceof Error && error.name === 'WorkflowNotFoundError')) throw error;
        await sleep(50);
      }
    }
  }

  test('an order that is not paid within 2 s turns FAILED by its workflow, which operators can find', async () => {
    const userId = await world.user();
    const { orderNo, createdAt } = await oneOf(shortLived, 0).orders.create(userId, AMOUNT);
    assert.deepEqual(await workflowEnd(orderNo), { status: 'FAILED', remainingMs: 0 });
    const order = await oneOf(shortLived, 0).orders.get(orderNo);
    assert.deepEqual([order.status, order.reason], ['FAILED', 'not paid in time']);
    assert.ok(order.updatedAt.getTime() - createdAt.getTime() >= TTL_MS, 'not before its time');
    const description = await workflows.client.workflow.getHandle(orderWorkflowId(userId, orderNo)).describe();
    assert.equal(
      await description.staticDetails(),
      `[In the console](http://console.test/all-orders?order=${orderNo})`,
    );
    assert.equal(description.memo?.title, `order · 3 CNY · user ${userId}`);
    const attributes = new Map(description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    assert.deepEqual([attributes.get('UserId'), attributes.get('OrderNo')], [userId, orderNo]);
    assert.deepEqual(await world.rows('SELECT workflow_id FROM workflow_outbox'), []);
  });

  test('paid, it ends its workflow at once; cancelled, too', async () => {
    const userId = await world.user();
    const [paid, cancelled] = [
      await longLived.orders.create(userId, AMOUNT),
      await longLived.orders.create(userId, AMOUNT),
    ];
    // The hint goes to a workflow that runs; one that starts later looks at the row when its time is over.
    await runs(paid.orderNo);
    await runs(cancelled.orderNo);
    await longLived.payments.receive(signedCall({ orderNo: paid.orderNo, amount: AMOUNT, eventId: 'at-once' }));
    await longLived.orders.cancel(cancelled.orderNo, userId);
    assert.deepEqual(await workflowEnd(paid.orderNo), { status: 'COMPLETED', remainingMs: 0 });
    assert.deepEqual(await workflowEnd(cancelled.orderNo), { status: 'FAILED', remainingMs: 0 });
  });

  async function runs(orderNo: string): Promise<void> {
    const { workflowId } = await longLived.orders.get(orderNo);
    const handle = workflows.client.workflow.getHandle(workflowId);
    while (!(await handle.describe().then(Boolean, () => false))) await sleep(20);
  }

  test('an order of an earlier version, whose workflow has another id, ends it at once', async () => {
    const userId = await world.user();
    const unstarted = await world.process({ signalSettled: workflows.signalSettled });
    const { orderNo } = await unstarted.orders.create(userId, AMOUNT);
    await world.sequelize.query(`DELETE FROM workflow_outbox WHERE workflow_id='${orderWorkflowId(userId, orderNo)}'`);
    await world.sequelize.query(`UPDATE orders SET workflow_id=NULL WHERE order_no='${orderNo}'`);
    await workflows.client.workflow.start<typeof orderExpiry>('orderExpiry', {
      ...{ workflowId: `order:${orderNo}`, taskQueue: TASK_QUEUES.orders, args: [{ orderNo, ttlMs: 1_800_000 }] },
    });
    await unstarted.payments.receive(signedCall({ orderNo, amount: AMOUNT, eventId: 'earlier' }));
    assert.deepEqual(await workflowEnd(orderNo), { status: 'COMPLETED', remainingMs: 0 });
  });

  test('a hint to a workflow that is not there is no fault', async () => {
    const userId = await world.user();
    const unstarted = await world.process({ signalSettled: workflows.signalSettled });
    const { orderNo } = await unstarted.orders.create(userId, AMOUNT);
    const order = await unstarted.payments.receive(signedCall({ orderNo, amount: AMOUNT, eventId: 'unstarted' }));
    assert.equal(order.status, 'COMPLETED');
    // The relay starts it from the outbox; it would look at the row when its time is over, or when it hears of it again.
    await world.sequelize.query('UPDATE workflow_outbox SET next_try_at=NOW(3)');
    await runs(orderNo);
    workflows.signalSettled(order);
    assert.deepEqual(await workflowEnd(orderNo), { status: 'COMPLETED', remainingMs: 0 });
  });

  test('paid at the moment its time is over, from ten callers: credited once, and all hear whether late', async () => {
    const atOffset = async (offsetMs: number): Promise<void> => {
      const userId = await world.user();
      const { orderNo, expiresAt } = await oneOf(shortLived, 0).orders.create(userId, AMOUNT);
      await sleep(expiresAt.getTime() + offsetMs - Date.now());
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) => {
          const notice = { orderNo, amount: AMOUNT, eventId: `${orderNo}-${index % 4}` };
          return answered(() => oneOf(shortLived, index).payments.receive(signedCall(notice)));
        }),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['COMPLETED']));
      assert.equal(new Set(answers.map(({ paidLate }) => paidLate)).size, 1, 'all are told the same');
      assert.deepEqual(await world.money(userId), { available: AMOUNT, debt: 0n, transferred: AMOUNT });
      const { status } = await workflowEnd(orderNo);
      assert.equal(status === 'FAILED', answers[0]?.paidLate, 'late is what comes after the workflow has cancelled');
    };
    await Promise.all([-10, 0, 5, 10, 30, 200].map(atOffset));
  });

  const count = isFullChaos() ? 1_000 : 100;
  /** All workflows run by then; some 50 start in a second. */
  const chaosTtlMs = isFullChaos() ? 30_000 : 3_000;
  test(`${count} orders, each with a callback at its time ± 50 ms, three times, out of order`, async () => {
    const processes = await Promise.all([1, 2, 3].map(() => newProcess({ ORDER_TTL: `${chaosTtlMs}ms` })));
    const users = await Promise.all(Array.from({ length: 10 }, () => world.user()));
    const orders = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const userId = users[index % users.length] ?? 0;
        // Every tenth gets another amount than its own: it must end unpaid.
        const honest = index % 10 !== 0;
        const { orderNo, expiresAt } = await answered(() => oneOf(processes, index).orders.create(userId, AMOUNT));
        const notice: Notice = { orderNo, amount: honest ? AMOUNT : AMOUNT - 1n, eventId: `chaos-${orderNo}` };
        return { userId, orderNo, honest, expiresAtMs: expiresAt.getTime(), notice };
      }),
    );
    await Promise.all(
      orders.map(async ({ orderNo, expiresAtMs, notice, honest }, index) => {
        const firstMs = expiresAtMs - 50 + Math.random() * 100;
        const receive = async (attempt: number) => {
          await sleep(firstMs + Math.random() * 30 - Date.now());
          const receipt = answered(() => oneOf(processes, index + attempt).payments.receive(signedCall(notice)));
          if (honest) assert.equal((await receipt).status, 'COMPLETED');
          else await assert.rejects(receipt, /amount/);
        };
        // Beside the workflow, whose timer is some milliseconds late, half of them are expired to the millisecond.
        const expire = async () => {
          await sleep(expiresAtMs - Date.now());
          await answered(() => oneOf(processes, index).orders.expire(orderNo));
        };
        await Promise.all([receive(0), receive(1), receive(2), ...(index % 2 === 0 ? [expire()] : [])]);
      }),
    );
    const ends = await Promise.all(orders.map(async (order) => ({ ...order, end: await workflowEnd(order.orderNo) })));
    const late = await lateOnes(ends);
    assert.ok(late > 0 && late < count, `${late} were late: both sides of the moment must have been tried`);
    for (const userId of users) {
      const credits = BigInt(orders.filter((order) => order.userId === userId && order.honest).length) * AMOUNT;
      assert.deepEqual(await world.money(userId), { available: credits, debt: 0n, transferred: credits });
    }
  });

  /** A busy machine may leave a call without a connection for too long; who made it repeats it then. */
  async function answered<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ConnectionAcquireTimeoutError)) throw error;
      }
    }
  }

  /** Every order COMPLETED with one credit or FAILED with none. @returns how many were paid late. */
  async function lateOnes(orders: { orderNo: string; honest: boolean; end: OrderOutcome }[]): Promise<number> {
    let late = 0;
    for (const { orderNo, honest, end } of orders) {
      const order = await longLived.orders.get(orderNo);
      const [credits] = await world.rows(`SELECT COUNT(*) AS n FROM transfers WHERE id='${orderNo}' AND kind='top_up'`);
      assert.deepEqual([order.status, Number(credits?.n)], honest ? ['COMPLETED', 1] : ['FAILED', 0]);
      // What the workflow saw may have been paid since: only a payment in time rules FAILED out.
      const possible = order.paidLate ? /^(FAILED|COMPLETED)$/ : honest ? /^COMPLETED$/ : /^FAILED$/;
      assert.match(end.status, possible);
      if (order.paidLate) late += 1;
    }
    return late;
  }
});
