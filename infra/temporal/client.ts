/** The client of Temporal: connects at the first call, and no call waits longer than its deadline. */
import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.ts';

export type TemporalConfig = Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>;

const CALL_DEADLINE_MS = 3_000;

export interface Temporal {
  readonly client: Client;
  /** Asks for a cancel. @throws {WorkflowNotFoundError} when there is nothing to cancel. */
  cancel(workflowId: string): Promise<void>;
  /** @throws when Temporal does not answer in time. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export function connectTemporal(config: TemporalConfig): Temporal {
  const connection = Connection.lazy({ address: config.TEMPORAL_ADDRESS });
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const inTime = <Result>(call: () => Promise<Result>): Promise<Result> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, call);
  return {
    client,
    async cancel(workflowId) {
      await inTime(() => client.workflow.getHandle(workflowId).cancel());
    },
    async ping() {
      await inTime(() => connection.workflowService.describeNamespace({ namespace: config.TEMPORAL_NAMESPACE }));
    },
    close: () => connection.close(),
  };
}
