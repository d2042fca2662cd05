/** Builds files and batches from their dependencies. */
import type { Sequelize } from 'sequelize';
import type { FileStore } from '../../core/files/file-store.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import type { Config } from '../../infra/config.ts';
import type { Logger } from '../../infra/logger.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import { type BatchServices, batchEndpoints } from './batch-endpoints.ts';
import { BatchReconciler, type BatchReconcilerDeps } from './batch-recovery.ts';
import { type BatchRunDeps, BatchRunner } from './batch-run.ts';
import { BatchStore } from './batch-store.ts';
import { Batches } from './batches.ts';

export interface CreateBatchesDeps {
  readonly config: Pick<Config, 'FILE_STORAGE_PER_USER' | 'FILE_RETENTION'>;
  readonly sequelize: Sequelize;
  readonly files: FileStore;
  readonly ledger: Ledger;
  readonly starter: WorkflowStarter;
  readonly models: InferenceDeps['models'];
  readonly services: BatchServices;
  readonly callerOf: BatchRunDeps['callerOf'];
  readonly workflowState: BatchReconcilerDeps['workflowState'];
  readonly log: Logger;
}

export function createBatches({
  config,
  sequelize,
  files,
  ledger,
  starter,
  models,
  services,
  callerOf,
  workflowState,
  log,
}: CreateBatchesDeps) {
  const store = new BatchStore(sequelize);
  const { FILE_STORAGE_PER_USER: bytesPerUser, FILE_RETENTION: keptMs } = config;
  const endpoints = batchEndpoints(services);
  const batchRunner = new BatchRunner({ store, files, ledger, models, endpoints, callerOf, bytesPerUser, keptMs, log });
  return {
    batches: new Batches({ store, files, starter, bytesPerUser, keptMs }),
    batchRunner,
    batchReconciler: new BatchReconciler({ store, runner: batchRunner, workflowState, log }),
    /** Files, and the texts of batches that are as old. */
    removeExpiredFiles: async () => {
      while ((await files.removeExpired()) > 0);
      while ((await store.removeTexts(keptMs)) > 0);
    },
  };
}
