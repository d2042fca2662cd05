/**
 * What every call of a vendor's API has in common: key, body, model, faults and the journal, around a handler that
 * only answers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Call, CallEnded, waitForClientToLeave, waitMs } from './call.ts';
import type { FaultRules } from './faults/fault-rules.ts';
import { type ActiveFaults, errorOf, parseModelName, played } from './faults/fault-table.ts';
import type { Journal } from './journal/journal.ts';
import { type KeyCheck, type Keys, recordedKey } from './keys.ts';
import { replyError, replyHtml } from './reply.ts';
import { readRequestBody } from './request-body.ts';
import type { Route, RouteMatch } from './routes.ts';
import { type Vendor, VendorError } from './vendor.ts';

/** What all calls share. */
export interface Shared {
  readonly journal: Journal;
  readonly rules: FaultRules;
  readonly keys: Keys;
}

type Handler = (call: Call) => Promise<void>;

/** A route of a vendor's API. POST is work a vendor charges for; `free` marks those that are not. */
export function vendorRoute(
  shared: Shared,
  vendor: Vendor,
  method: Route['method'],
  path: string,
  handler: Handler,
  { free = method === 'GET' }: { free?: boolean } = {},
): Route {
  return {
    method,
    path,
    handle: (request, response, match) => serveCall(shared, vendor, handler, !free, request, response, match),
  };
}

async function serveCall(
  shared: Shared,
  vendor: Vendor,
  handler: Handler,
  work: boolean,
  request: IncomingMessage,
  response: ServerResponse,
  match: RouteMatch,
): Promise<void> {
  const key = keyOf(request);
  const body = await readRequestBody(request);
  const check = shared.keys.admit(key);
  const call = openCall(shared, vendor, {
    request,
    response,
    match,
    work,
    key,
    check,
    body: body.ok ? body.fields : {},
  });
  try {
    refuseByKey(vendor, check);
    if (!body.ok) throw vendor.error('bad_request', body.reason);
    await playFaultsBeforeWork(call);
    await handler(call);
  } catch (error) {
    if (error instanceof CallEnded) return;
    if (response.headersSent) {
      call.cut();
      throw error;
    }
    if (error instanceof VendorError) replyError(call, error);
    else throw error;
  }
}

function keyOf(request: IncomingMessage): string {
  const bearer = /^Bearer (.*)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? headerText(request, 'x-api-key') ?? '';
}

interface Arrival {
  request: IncomingMessage;
  response: ServerResponse;
  match: RouteMatch;
  work: boolean;
  key: string;
  check: KeyCheck;
  body: Record<string, unknown>;
}

function openCall(shared: Shared, vendor: Vendor, arrival: Arrival): Call {
  const { request, response, match, work, key, check, body } = arrival;
  const modelAsked = typeof body.model === 'string' ? body.model : '';
  const parsed = parseModelName(modelAsked);
  const requestId = vendor.newRequestId();
  const path = match.url.pathname;
  const record = shared.journal.begin({
    vendor: vendor.name,
    key: recordedKey(key),
    model: parsed.model,
    path,
    stream: body.stream === true || body.stream === 'true' || request.headers['x-dashscope-sse'] === 'enable',
    work,
    requestId,
    clientRequestId: headerText(request, 'x-request-id') ?? headerText(request, 'x-client-request-id') ?? null,
  });
  const faults = new Map([
    ...shared.rules.take({ key, model: parsed.model, vendor: vendor.name, path }),
    ...(parsed.ok ? parsed.faults : []),
  ]);
  record.faults = [...faults.keys()];
  for (const [name, value] of Object.entries(vendor.headers(requestId, check))) response.setHeader(name, value);

  const left = new AbortController();
  const end = (outcome: 'completed' | 'refused' | 'cut_by_client' | 'cut_by_simulator') => {
    call.settle();
    shared.journal.end(record, outcome);
  };
  const call: Call = {
    vendor,
    request,
    response,
    requestId,
    key,
    model: parsed.model,
    modelAsked,
    unknownFault: parsed.ok ? undefined : parsed.unknown,
    body,
    pathParams: match.params,
    query: match.url.searchParams,
    faults,
    record,
    signal: left.signal,
    origin: match.url.origin,
    finishAs: 'completed',
    settle: () => undefined,
    cut: () => {
      end('cut_by_simulator');
      response.destroy();
    },
  };
  response.once('finish', () => end(call.finishAs));
  response.once('close', () => {
    left.abort();
    end('cut_by_client');
  });
  return call;
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function refuseByKey(vendor: Vendor, check: KeyCheck): void {
  if (check.kind === 'invalid') throw vendor.error('invalid_key');
  if (check.kind === 'overdue') throw vendor.error('overdue');
  if (check.kind === 'limited') {
    const error = vendor.error('rate_limited');
    throw vendor.sendsRetryAfter ? new VendorError(error, Math.max(1, Math.ceil(check.resetMs / 1_000))) : error;
  }
}

async function playFaultsBeforeWork(call: Call): Promise<void> {
  const { faults, vendor } = call;
  if (call.unknownFault !== undefined) {
    throw vendor.error('bad_request', `The simulator has no fault "${call.unknownFault}"; see /control/faults/table.`);
  }
  const latencyMs = faults.get('latency');
  if (latencyMs !== undefined) await waitMs(call, latencyMs);
  if (faults.has('hang')) await waitForClientToLeave(call);
  if (faults.has('reset')) {
    call.cut();
    throw new CallEnded();
  }
  if (faults.has('502-html')) {
    replyHtml(call);
    throw new CallEnded();
  }
  if (faults.has('200-error')) {
    replyError(call, vendor.error('server_error'), 200);
    throw new CallEnded();
  }
  const error = firstError(vendor, faults) ?? refusalOf(call);
  if (error) throw error;
}

function refusalOf({ vendor, faults, body }: Call): VendorError | undefined {
  for (const { fault, value } of played(faults)) {
    const refusal = fault.request?.(body, value);
    if (refusal) return vendor.error(refusal.kind ?? 'bad_request', refusal.message, refusal.param);
  }
  return undefined;
}

function firstError(vendor: Vendor, faults: ActiveFaults): VendorError | undefined {
  for (const [name, value] of faults) {
    const kind = errorOf(name);
    if (kind === undefined) continue;
    const error = vendor.error(kind);
    return name === '429' ? new VendorError(error, value) : error;
  }
  return undefined;
}
