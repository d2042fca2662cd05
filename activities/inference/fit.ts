/** A chat request as one candidate gets it, and how operators learn what was changed in it. */
import { Counter, type Registry } from 'prom-client';
import { type Fit, fitChat } from '../../core/providers/fit.ts';
import type { NativeAdapter, NativeRequest } from '../../core/providers/native.ts';
import type { ChatBody } from '../../core/providers/provider.ts';
import { VENDORS } from '../../core/providers/vendors.ts';
import type { Logger } from '../../infra/logger.ts';
import { type Candidate, unaskedLimit } from './plan.ts';
import { askedLimit } from './request-policy.ts';

export interface CandidateRequest {
  readonly body: ChatBody;
  readonly fits: readonly Fit[];
  /** The output limit that is sent, where it is not the one that the caller set. */
  readonly ownLimit: number | undefined;
}

/** @param how `translated`: the client has asked in another form. @throws {AppError} as `fitChat`. */
export function requestFor(
  candidate: Candidate,
  body: ChatBody,
  how: { readonly streamed: boolean; readonly translated: boolean },
): CandidateRequest {
  const asked = askedLimit(body);
  const limit = limitSent(candidate, asked);
  const fitted = fitChat(body, candidate.needs, { ...how, limit });
  const ownLimit = limit === asked ? undefined : limit;
  const ofVendor = VENDORS[candidate.kind].fitChat?.(fitted.body);
  if (ofVendor === undefined) return { ...fitted, ownLimit };
  const left = ofVendor.leftOut.map((name) => `left-out:${name}` as const);
  return { body: ofVendor.body, fits: [...fitted.fits, ...left], ownLimit };
}

/** The request as its client wrote it, with the limit that the call is held for. @param chat the same as a chat. */
export function nativeRequestFor<Request extends NativeRequest>(
  candidate: Candidate,
  chat: ChatBody,
  native: Request,
  adapter: NativeAdapter,
): { readonly request: Request; readonly sent: CandidateRequest } {
  const asked = askedLimit(chat);
  const limit = limitSent(candidate, asked);
  const { needs, upstreamModel: model } = candidate;
  const { body, fits } = adapter.fitted(native.body, { limit, needs, model });
  return {
    request: { ...native, body },
    sent: { body: chat, fits, ownLimit: limit === asked ? undefined : limit },
  };
}

/**
 * None where nobody has set one and the balance covers the most that was held for: a limit that nobody asked for may be
 * above what the model allows, or above what its context has left.
 */
function limitSent(candidate: Candidate, asked: number | undefined): number | undefined {
  const isSet = asked !== undefined || candidate.defaultMaxTokens !== null || VENDORS[candidate.kind].needsLimit;
  return isSet || candidate.maxTokens < unaskedLimit(candidate) ? candidate.maxTokens : undefined;
}

/** They change what a model answers; the others only how it is asked. */
const FORM_ONLY: ReadonlySet<Fit> = new Set(['limit-name', 'developer-role', 'empty-tools', 'thinking-form']);

export type NoteFits = (
  model: { readonly providerName: string; readonly modelIdentifier: string },
  fits: readonly Fit[],
) => void;

export function createFitNotes(registry: Registry, log: Logger): NoteFits {
  const counted = new Counter({
    name: 'provider_request_fits_total',
    help: 'Changes that brought requests into the form that their model takes',
    labelNames: ['provider', 'fit'],
    registers: [registry],
  });
  return ({ providerName, modelIdentifier }, fits) => {
    if (fits.length === 0) return;
    for (const fit of fits) counted.inc({ provider: providerName, fit });
    const level = fits.every((fit) => FORM_ONLY.has(fit)) ? 'debug' : 'info';
    log[level]({ provider: providerName, model: modelIdentifier, fits }, 'a request was fitted to its model');
  };
}
