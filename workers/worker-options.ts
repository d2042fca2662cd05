/** What the workers of all queues have in common. */
import type { NativeConnection, WorkerOptions as TemporalWorkerOptions } from '@temporalio/worker';
import type { Telemetry } from '../infra/telemetry/otlp.ts';
import { deploymentOptions } from './deployment.ts';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly bundlePath: string;
  readonly shutdownGraceMs: number;
  /** WORKER_BUILD_ID; empty = unversioned. */
  readonly buildId?: string;
  /** With it the bundle must be the traced one. */
  readonly telemetry?: Telemetry | undefined;
}

/**
 * A bug in workflow code ends its workflow instead of being retried for ever. Never 'Error': that would also end
 * workflows that a wrong deployment cannot replay but the right one could continue.
 */
const BUGS = ['TypeError', 'RangeError', 'ReferenceError'];

export function commonOptions(
  options: WorkerOptions,
): Pick<
  TemporalWorkerOptions,
  | 'connection'
  | 'namespace'
  | 'workflowBundle'
  | 'shutdownGraceTime'
  | 'workflowFailureErrorTypes'
  | 'workerDeploymentOptions'
  | 'interceptors'
  | 'sinks'
> {
  return {
    connection: options.connection,
    namespace: options.namespace,
    workflowBundle: { codePath: options.bundlePath },
    // Until then running activities may finish; it is 0 by default.
    shutdownGraceTime: options.shutdownGraceMs,
    workflowFailureErrorTypes: { '*': BUGS },
    ...deploymentOptions(options.buildId ?? ''),
    ...options.telemetry?.worker,
  };
}
