/**
 * Temporal Schedules, which operators can see, pause and trigger there. Only what may wait for Temporal is here; what
 * must run without it is a background job (activities/background-jobs.ts).
 */
import { type Client, ScheduleAlreadyRunning, type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Logger } from '../infra/logger.ts';
import { type SCHEDULED_WORKFLOWS, TASK_QUEUES } from '../workflows/contracts.ts';

interface Scheduled {
  readonly workflow: keyof typeof SCHEDULED_WORKFLOWS;
  readonly title: string;
  readonly hour: number;
  readonly minute: number;
}

/** At night in the installation's time zone, one after the other. */
const SCHEDULED: readonly Scheduled[] = [
  { workflow: 'ledgerReconciliation', title: 'ledger reconciliation · nightly', hour: 3, minute: 30 },
  { workflow: 'retention', title: 'retention · nightly', hour: 4, minute: 0 },
];

const CALL_DEADLINE_MS = 5_000;
const RETRY_MS = 2_000;

function optionsOf({ workflow, title, hour, minute }: Scheduled, timeZone: string) {
  return {
    scheduleId: workflow,
    spec: { calendars: [{ hour, minute }], timezone: timeZone },
    action: {
      type: 'startWorkflow',
      workflowType: workflow,
      workflowId: workflow,
      taskQueue: TASK_QUEUES.maintenance,
      memo: { title },
      staticSummary: title,
    },
    // A run that was missed while Temporal was down is run once, later.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
  } satisfies ScheduleOptions;
}

async function putSchedules(client: Client, timeZone: string): Promise<void> {
  for (const scheduled of SCHEDULED) {
    const options = optionsOf(scheduled, timeZone);
    try {
      // A new installation has its first run at once.
      await inTime(client, () => client.schedule.create({ ...options, state: { triggerImmediately: true } }));
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const { spec, action, policies } = options;
      const handle = client.schedule.getHandle(options.scheduleId);
      await inTime(client, () => handle.update((before) => ({ ...before, spec, action, policies })));
    }
  }
}

function inTime<Result>(client: Client, call: () => Promise<Result>): Promise<Result> {
  return client.withDeadline(Date.now() + CALL_DEADLINE_MS, call);
}

/**
 * Creates the schedules, or brings them up to date; a paused one stays paused. Safe from several workers. Tried until
 * Temporal takes it or the worker stops.
 */
export async function keepSchedules(
  client: Client,
  timeZone: string,
  log: Logger,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    try {
      await putSchedules(client, timeZone);
      return;
    } catch (err) {
      log.warn({ err }, 'the schedules are not up to date; trying again');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
