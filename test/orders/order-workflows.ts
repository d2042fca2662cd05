/** A Temporal namespace of its own for a test, the worker of orders in it, and what starts and signals workflows. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { createOrderActivities } from '../../activities/orders/order-activities.ts';
import { type SignalSettled, settledSignal } from '../../activities/orders/settled-signal.ts';
import { WorkflowStarter } from '../../core/outbox/starter.ts';
import { WorkflowOutboxStore } from '../../core/outbox/store.ts';
import { startBackgroundJobs } from '../../workers/background-jobs.ts';
import { workflowBundlePath } from '../../workers/bundle.ts';
import { createOrdersWorker } from '../../workers/orders.worker.ts';
import { registerNamespace } from '../e2e/namespace.ts';
import type { OrderProcess, OrderWorld } from './order-world.ts';

export interface OrderWorkflows {
  readonly client: Client;
  readonly starter: WorkflowStarter;
  readonly signalSettled: SignalSettled;
  /** Runs the worker of orders, with the activities of this process, and the relay of starts until `stop`. */
  work(process: OrderProcess): Promise<{ stop: () => Promise<void> }>;
  close(): Promise<void>;
}

export async function orderWorkflows(world: OrderWorld): Promise<OrderWorkflows> {
  const log = pino({ level: 'silent' });
  const address = world.config.TEMPORAL_ADDRESS;
  const namespace = `orders-${process.pid}-${Date.now()}`;
  await registerNamespace(address, namespace);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const starter = new WorkflowStarter(
    client,
    new WorkflowOutboxStore(world.sequelize, log),
    'http://console.test',
    log,
  );
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
      const stopRelay = startBackgroundJobs([relay], log);
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
