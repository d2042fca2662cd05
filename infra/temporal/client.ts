/** The client of Temporal: connects at the first call, and no call waits longer than its deadline. */
import { Client, Connection, type WorkflowClientInterceptor, WorkflowNotFoundError } from '@temporalio/client';
import { type TemporalConfig, temporalOptions } from './options.ts';

const CALL_DEADLINE_MS = 3_000;

/** Of the newest run of a workflow. */
export type WorkflowState = 'running' | 'ended' | 'none';

export interface Temporal {
  readonly client: Client;
  /** Asks for a cancel. @throws {WorkflowNotFoundError} when there is nothing to cancel. */
  cancel(workflowId: string): Promise<void>;
  /** @throws when Temporal does not answer in time. */
  stateOf(workflowId: string): Promise<WorkflowState>;
  /** @throws when Temporal does not answer in time. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** For a few questions: a call that fails says why at once, instead of being tried again until its deadline. */
export function openTemporal(config: TemporalConfig): Connection {
  return Connection.lazy({ ...temporalOptions(config), interceptors: [] });
}

export function connectTemporal(config: TemporalConfig, interceptors: WorkflowClientInterceptor[] = []): Temporal {
  const connection = Connection.lazy(temporalOptions(config));
  const client = new Client({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    interceptors: { workflow: interceptors },
  });
  const inTime = <Result>(call: () => Promise<Result>): Promise<Result> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, call);
  return {
    client,
    async cancel(workflowId) {
      await inTime(() => client.workflow.getHandle(workflowId).cancel());
    },
    async stateOf(workflowId) {
      try {
        const { status } = await inTime(() => client.workflow.getHandle(workflowId).describe());
        return status.name === 'RUNNING' || status.name === 'PAUSED' ? 'running' : 'ended';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'none';
        throw error;
      }
    },
    async ping() {
      await inTime(() => connection.workflowService.describeNamespace({ namespace: config.TEMPORAL_NAMESPACE }));
    },
    close: () => connection.close(),
  };
}
