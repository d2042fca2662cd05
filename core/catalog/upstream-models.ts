/** Asks a vendor which models it has. */
import { z } from 'zod';
import { AppError } from '../../infra/errors.ts';
import { type Outbound, type OutboundAnswer, outboundFailure } from '../../infra/outbound.ts';
import { withoutKey } from '../../infra/secrets.ts';
import { refused } from '../providers/failure.ts';
import { classifyOpenAi, refusalOf } from '../providers/openai/errors.ts';
import { VENDORS } from '../providers/vendors.ts';
import type { Provider } from './provider-store.ts';

export interface UpstreamModel {
  readonly id: string;
  readonly ownedBy: string | null;
}

/**
 * The models of a provider, sorted.
 * @throws {AppError} upstreamError (its cause is an UpstreamFailure when the provider refused), upstreamTimeout, proxyFailed.
 */
export type ListUpstreamModels = (
  provider: Pick<Provider, 'kind' | 'urlBase'>,
  apiKey: string,
  signal?: AbortSignal,
) => Promise<UpstreamModel[]>;

const LIMITS = { firstByteMs: 10_000, idleMs: 10_000, totalMs: 20_000, maxBytes: 8 * 1024 * 1024 };

const listSchema = z.object({
  data: z.array(z.object({ id: z.string().min(1), owned_by: z.string().nullish() })),
});

export function createUpstreamModels(outbound: Outbound): ListUpstreamModels {
  return async ({ kind, urlBase }, apiKey, signal) => {
    if (urlBase === '') throw new AppError('illegalState', 'the provider has no urlBase yet');
    const { modelsBase, modelsHeaders } = VENDORS[kind];
    const proof = modelsHeaders?.(apiKey) ?? { authorization: `Bearer ${apiKey}` };
    const headers = { ...proof, accept: 'application/json' };
    try {
      const call = { headers, limits: LIMITS, ...(signal === undefined ? {} : { signal }) };
      return await modelsIn(await outbound.request(`${modelsBase(urlBase)}/models`, call), apiKey);
    } catch (error) {
      throw asAppError(error);
    }
  };
}

async function modelsIn(answer: OutboundAnswer, apiKey: string): Promise<UpstreamModel[]> {
  const text = await answer.text();
  if (answer.status !== 200) {
    const cause = refused(refusalOf(answer.status, jsonOf(text), undefined, text), classifyOpenAi, apiKey);
    throw new AppError('upstreamError', `the provider answered ${answer.status}: ${cause.message}`, { cause });
  }
  const parsed = listSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new AppError('upstreamError', 'the provider did not answer with a list of models');
  return parsed.data.data
    .map(({ id, owned_by: owner }) => ({
      id: withoutKey(id, apiKey),
      ownedBy: owner == null ? null : withoutKey(owner, apiKey),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asAppError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const failure = outboundFailure(error);
  if (failure === undefined) return error;
  if (failure === 'timeout') return new AppError('upstreamTimeout', 'the provider did not answer in time');
  return new AppError('upstreamError', `the provider could not be asked: ${failure}`, { cause: error });
}
