/**
 * Starts workflows from the outbox. Answers never wait for Temporal: the row is committed first, the start follows in
 * the background, and what was not started (Temporal away, the process killed) is started by the relay.
 */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair, TypedSearchAttributes } from '@temporalio/common';
import type { Logger } from 'pino';
import { withinSpan } from '../../infra/telemetry/spans.ts';
import { fitTitle, type WorkflowStart } from '../../workflows/contracts.ts';
import type { WorkflowOutboxStore } from './store.ts';

/** The SDK retries a refused port for seconds and a hung server for ever; the relay tries again in any case. */
const START_DEADLINE_MS = 5_000;
const RELAY_BATCH = 100;
const PARALLEL_STARTS = 20;
/** Rows of started workflows are removed together, well before the relay would take them. */
const REMOVE_WITHIN_MS = 100;

export class WorkflowStarter {
  readonly #client: Client;
  readonly #store: WorkflowOutboxStore;
  readonly #consoleUrl: string;
  readonly #log: Logger;
  #started: string[] = [];

  /** @param consoleUrl where the console is, for the way back from Temporal UI. */
  constructor(client: Client, store: WorkflowOutboxStore, consoleUrl: string, log: Logger) {
    this.#client = client;
    this.#store = store;
    this.#consoleUrl = consoleUrl;
    this.#log = log;
  }

  /** Starts a committed workflow in the background. */
  kick(start: WorkflowStart): void {
    this.#startInTime(start).then(
      () => this.#removeSoon(start.workflowId),
      (err: unknown) => {
        const traceId = 'traceId' in start.input ? start.input.traceId : undefined;
        this.#log.warn({ err, traceId, workflowId: start.workflowId }, 'workflow not started yet; the relay will');
      },
    );
  }

  /** One round of the relay. @returns how many starts were due. */
  async relay(): Promise<number> {
    const due = await this.#store.takeDue(RELAY_BATCH);
    for (let from = 0; from < due.length; from += PARALLEL_STARTS) {
      const group = due.slice(from, from + PARALLEL_STARTS);
      const results = await Promise.allSettled(group.map((start) => this.#startInTime(start)));
      for (const result of results) {
        if (result.status === 'rejected') this.#log.warn({ err: result.reason }, 'workflow not started yet');
      }
      const started = group.filter((_, index) => results[index]?.status === 'fulfilled');
      await this.#remove(started.map(({ workflowId }) => workflowId));
    }
    return due.length;
  }

  /** Removes the rows of started workflows before the database is closed. */
  async close(): Promise<void> {
    await this.#removeStarted();
  }

  #removeSoon(workflowId: string): void {
    this.#started.push(workflowId);
    if (this.#started.length === 1) setTimeout(() => void this.#removeStarted(), REMOVE_WITHIN_MS).unref();
  }

  async #removeStarted(): Promise<void> {
    const started = this.#started;
    this.#started = [];
    await this.#remove(started);
  }

  /** The relay starts rows that remain (a failed removal, a dead process) once more, which changes nothing. */
  async #remove(workflowIds: readonly string[]): Promise<void> {
    await this.#store.remove(workflowIds).catch((err: unknown) => {
      this.#log.warn({ err }, 'starts not removed from the outbox yet');
    });
  }

  async #startInTime(start: WorkflowStart): Promise<void> {
    const inTime = () => this.#client.withDeadline(Date.now() + START_DEADLINE_MS, () => this.#start(start));
    await withinSpan(start.traceparent, inTime);
  }

  /** "Already started" is success: the row is the guard, the id only saves work. */
  async #start(start: WorkflowStart): Promise<void> {
    const title = fitTitle(start.title);
    try {
      await this.#client.workflow.start(start.workflow, {
        workflowId: start.workflowId,
        taskQueue: start.taskQueue,
        args: [start.input],
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        memo: { title },
        staticSummary: title,
        ...detailsOf(start.input, this.#consoleUrl),
        typedSearchAttributes: attributesOf(start.searchAttributes),
        priority: {
          ...(start.priority === undefined ? {} : { priorityKey: start.priority }),
          ...(start.fairnessKey === undefined ? {} : { fairnessKey: start.fairnessKey }),
          ...(start.fairnessWeight === undefined ? {} : { fairnessWeight: start.fairnessWeight }),
        },
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}

/** Markdown, which Temporal UI shows beside the summary: where the console has the same thing. */
function detailsOf(input: WorkflowStart['input'], consoleUrl: string): { readonly staticDetails?: string } {
  const linkTo = (view: string) => ({ staticDetails: `[In the console](${consoleUrl}/${view})` });
  if ('jobId' in input) return linkTo(`all-jobs?job=${input.jobId}`);
  if ('orderNo' in input) return linkTo(`all-orders?order=${encodeURIComponent(input.orderNo)}`);
  if ('deliveryId' in input) return linkTo(`all-webhooks?jobId=${input.deliveryId}`);
  return {};
}

function attributesOf(values: WorkflowStart['searchAttributes']): TypedSearchAttributes {
  const pairs: SearchAttributePair[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number') pairs.push({ key: defineSearchAttributeKey(name, 'INT'), value });
    else pairs.push({ key: defineSearchAttributeKey(name, 'KEYWORD'), value });
  }
  return new TypedSearchAttributes(pairs);
}
