/** A Temporal namespace of its own for a test, the worker of orders in it, and what starts and signals workflows. */
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { createOrderActivities } from '../../activities/orders/order-activities.ts';
import { settledSignal } from '../../activities/orders/settled-signal.ts';
import { WorkflowStarter } from '../../core/outbox/starter.ts';
import { WorkflowOutboxStore } from '../../core/outbox/store.ts';
import { startUpkeep } from '../../workers/background-jobs.ts';
import { workflowBundlePath } from '../../workers/bundle.ts';
import { createOrdersWorker } from '../../workers/orders.worker.ts';
import type { OrderProcess, OrderWorld } from './order-world.ts';

const DAY_MS = 86_400_000;
/** In the numbers of temporal.api.enums.v1.IndexedValueType: KEYWORD and INT. */
const SEARCH_ATTRIBUTES = { OrderNo: 2, UserId: 3 };

export interface OrderWorkflows {
  readonly client: Client;
  readonly starter: WorkflowStarter;
  readonly signalSettled: (orderNo: string) => void;
  /** Runs the worker of orders, with the activities of this process, and the relay of starts until `stop`. */
  work(process: OrderProcess): Promise<{ stop: () => Promise<void> }>;
  close(): Promise<void>;
}

export async function orderWorkflows(world: OrderWorld): Promise<OrderWorkflows> {
  const log = pino({ level: 'silent' });
  const address = world.config.TEMPORAL_ADDRESS;
  const namespace = `orders-${process.pid}-${Date.now()}`;
  const connection = await Connection.connect({ address });
  await prepareNamespace(connection, namespace);
  const client = new Client({ connection, namespace });
  const starter = new WorkflowStarter(client, new WorkflowOutboxStore(world.sequelize, log), log);
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  return {
    client,
    starter,
    signalSettled: settledSignal(client, log),
    work: async ({ orders }) => {
      const native = await NativeConnection.connect({ address });
      const bundlePath = await workflowBundlePath(false);
      const options = { connection: native, namespace, bundlePath, shutdownGraceMs: 1_000 };
      const worker = await createOrdersWorker(options, createOrderActivities(orders));
      const running = worker.run();
      const relay = { name: 'relay', everyMs: 200, round: async () => (await starter.relay()) > 0 };
      const stopRelay = startUpkeep([relay], log);
      return {
        stop: async () => {
          await stopRelay();
          worker.shutdown();
          await running;
          await native.close();
        },
      };
    },
    close: () => connection.close(),
  };
}

/** A new namespace is known to every part of the server some seconds later. */
async function prepareNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(DAY_MS),
  });
  await untilItWorks(() =>
    connection.operatorService.addSearchAttributes({ namespace, searchAttributes: SEARCH_ATTRIBUTES }),
  );
  await untilItWorks(() => connection.workflowService.listWorkflowExecutions({ namespace, query: "OrderNo = 'none'" }));
}

async function untilItWorks(call: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
