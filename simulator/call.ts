/** One call of a vendor's API while it is being answered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as timer } from 'node:timers/promises';
import type { ActiveFaults } from './faults/fault-table.ts';
import type { CallRecord } from './journal/call-record.ts';
import type { Vendor } from './vendor.ts';

export interface Call {
  readonly vendor: Vendor;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly key: string;
  /** The model without its faults. */
  readonly model: string;
  /** The model as the caller wrote it: replies repeat it. */
  readonly modelAsked: string;
  /** A fault in the model's name that does not exist. */
  readonly unknownFault: string | undefined;
  readonly body: Record<string, unknown>;
  readonly pathParams: Record<string, string>;
  readonly query: URLSearchParams;
  readonly faults: ActiveFaults;
  readonly record: CallRecord;
  /** Aborted when the connection has ended. */
  readonly signal: AbortSignal;
  /** Base address of the simulator, for the URLs of images. */
  readonly origin: string;
  /** What the journal says once the reply is out. */
  finishAs: 'completed' | 'refused' | 'cut_by_simulator';
  /** Called before the journal closes the record, so that a stream can count what it delivered. */
  settle: () => void;
  /** Closes the connection under the caller, as a fault does. */
  cut(): void;
}

/** Unwinds a handler whose call has already ended: cut by a fault, or left by its client. */
export class CallEnded extends Error {}

/** Waits, or ends the call at once when the client leaves. */
export async function waitMs(call: Pick<Call, 'signal'>, delayMs: number): Promise<void> {
  try {
    await timer(delayMs, undefined, { signal: call.signal });
  } catch {
    throw new CallEnded();
  }
}

/** Waits for the client to leave: a call that is never answered. */
export async function waitForClientToLeave(call: Pick<Call, 'signal'>): Promise<never> {
  if (!call.signal.aborted) {
    await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  throw new CallEnded();
}
