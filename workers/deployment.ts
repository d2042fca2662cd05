/**
 * Worker versioning: with WORKER_BUILD_ID set, workflow tasks go to workers of one build only, the one that started
 * last. Running workflows move to it (AUTO_UPGRADE), so new workflow code must be able to replay what old code began.
 */
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { Logger } from '../infra/logger.ts';

const DEPLOYMENT = 'llm-gateway';
const RETRY_MS = 200;

/** Empty = unversioned. */
export function deploymentOptions(buildId: string): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (buildId === '') return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName: DEPLOYMENT, buildId },
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

/** Makes this build the current one; tried until the server has met its workers. Does nothing without a build. */
export async function becomeCurrent(
  target: { readonly connection: NativeConnection; readonly namespace: string; readonly buildId: string },
  log: Logger,
  stopped: AbortSignal,
): Promise<void> {
  const { connection, namespace, buildId } = target;
  if (buildId === '') return;
  for (let tries = 1; !stopped.aborted; tries += 1) {
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: DEPLOYMENT,
        buildId,
        // A build that no longer has a queue must not block its successor.
        ignoreMissingTaskQueues: true,
        identity: `worker ${process.pid}`,
      });
      log.info({ buildId }, 'this build is the current one');
      return;
    } catch (err) {
      // Unknown until the first poll has arrived.
      if (tries % 25 === 0) log.warn({ err, buildId }, 'this build is not the current one yet; trying again');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
