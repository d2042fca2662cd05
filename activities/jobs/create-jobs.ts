/** Builds the jobs capability from its dependencies. */
import type { Sequelize } from 'sequelize';
import type { Turns } from '../../core/conversations/turns.ts';
import type { FileStore } from '../../core/files/file-store.ts';
import type { StoredImages } from '../../core/images/stored-images.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import type { Config } from '../../infra/config.ts';
import type { Logger } from '../../infra/logger.ts';
import { connectRedis, type Redis } from '../../infra/redis/connection.ts';
import type { Temporal, WorkflowState } from '../../infra/temporal/client.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import type { CostShown } from '../inference/openai-words.ts';
import type { Responses } from '../inference/responses/responses.ts';
import { AllJobs } from './all-jobs.ts';
import { createSpeechJobHandler, createTranscriptJobHandler } from './audio-job.ts';
import { createChatJobHandler, keepTurnsOfJobs } from './chat-job.ts';
import { HeldByRuns } from './held-by-runs.ts';
import { createImageJobHandler, type ImageJobDeps } from './image-job.ts';
import { JobEvents } from './job-events.ts';
import { JobFiles } from './job-files.ts';
import { JobReconciler, JobSweeper } from './job-recovery.ts';
import { removeExpiredPayloads } from './job-retention.ts';
import { JobRunner } from './job-run.ts';
import { Jobs } from './jobs.ts';
import { ResponseJobs } from './response-jobs.ts';
import type { JobStore } from './store.ts';
import { JobSubmissions } from './submissions.ts';

export interface JobServiceDeps {
  readonly sequelize: Sequelize;
  readonly config: Config;
  readonly log: Logger;
  readonly redis: Redis;
  readonly temporal: Pick<Temporal, 'cancel'>;
  readonly ledger: Ledger;
  readonly starter: WorkflowStarter;
  readonly store: JobStore;
  readonly inference: InferenceDeps;
  readonly catalog: Pick<ImageJobDeps, 'keysOf'>;
  readonly storedImages: StoredImages;
  readonly files: FileStore;
  readonly turns: Turns;
  readonly costShown: CostShown | undefined;
  readonly responses: () => Responses;
  /** @throws {AppError} for an address that webhooks may not call. */
  readonly checkWebhook: (url: string) => void;
  /** @throws while Temporal cannot be reached. */
  readonly workflowState: (workflowId: string) => Promise<WorkflowState>;
}

export function createJobs(deps: JobServiceDeps) {
  const { config, log, redis, temporal, ledger, starter, store, inference, catalog, storedImages, turns, costShown } =
    deps;
  const { limits, models, keys, retries } = inference;
  const subscriber = connectRedis(config, log, 'job-events');
  const readStates = (jobIds: readonly string[]) => store.states(jobIds);
  const events = new JobEvents({ publisher: redis, subscriber, readStates, log });
  const keysOf = (providerId: number) => catalog.keysOf(providerId);
  const { FILE_STORAGE_PER_USER: bytesPerUser, publicUrl } = config;
  const held = new HeldByRuns();
  const jobFiles = new JobFiles({
    files: deps.files,
    store,
    held,
    bytesPerUser,
    keptMs: config.JOB_RETENTION,
    publicUrl,
  });
  const keepTurn = keepTurnsOfJobs(store, turns);
  const jobRunner = new JobRunner({
    ledger,
    store,
    events,
    limits,
    models,
    keys,
    retries,
    noteFits: inference.noteFits,
    notePriceRule: inference.notePriceRule,
    runLimits: { perUser: config.JOBS_PER_USER, perProvider: config.JOBS_PER_PROVIDER },
    handlers: {
      chat: createChatJobHandler(inference, held, costShown),
      image: createImageJobHandler({ ...inference, held, storedImages, keysOf }),
      speech: createSpeechJobHandler(inference, jobFiles),
      transcript: createTranscriptJobHandler(inference, jobFiles),
    },
    afterEnd: async (work) => {
      await keepTurn(work);
      await jobFiles.settle(work);
    },
  });
  const quota = { live: config.JOBS_LIVE_PER_USER, bytes: config.JOB_STORAGE_PER_USER };
  const cancelWorkflow = (workflowId: string) => temporal.cancel(workflowId);
  const { checkWebhook, workflowState } = deps;
  const { JOB_RETENTION: keptMs, PICTURE_LINK_TTL: linksMs } = config;
  const jobs = new Jobs({ ledger, store, events, cancelWorkflow, storedImages, jobFiles });
  const jobSubmissions = new JobSubmissions({
    ...{ ledger, limits, models, starter, events, quota, checkWebhook },
    findKeptTexts: inference.findKeptTexts,
  });
  return {
    jobs,
    jobEvents: events,
    allJobs: new AllJobs(deps.sequelize, jobs),
    jobSubmissions,
    jobFiles,
    responseJobs: new ResponseJobs({ jobs, submissions: jobSubmissions, responses: deps.responses }),
    removePayloads: () => removeExpiredPayloads({ ledger, store, storedImages, keptMs, linksMs }),
    jobRunner,
    jobSweeper: new JobSweeper(store, jobRunner, log),
    jobReconciler: new JobReconciler({ ledger, store, runner: jobRunner, workflowState, log }),
    closeJobs: () => {
      events.close();
      subscriber.disconnect();
    },
  };
}
