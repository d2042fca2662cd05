/** What a provider said when it refused, before and after it is put into one of the gateway's classes. Pure. */
import { scrub, withoutKeyParts } from '../../infra/secrets.ts';
import { type FailureClass, UpstreamFailure } from './failure.ts';

export interface Refusal {
  /** HTTP status; 200 when the error came inside an answer. */
  readonly status: number;
  readonly code: string | undefined;
  /** OpenAI's `type`, which some vendors fill instead of the code. */
  readonly type: string | undefined;
  /** The field of the request that is wrong, where the provider names it. */
  readonly param: string | undefined;
  readonly message: string;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export type Classify = (refusal: Refusal) => FailureClass;

const LONGEST_MESSAGE = 1_000;

/** The provider's own words, fit for a caller: without keys, and not endless. */
function cleanMessage(text: string, apiKey: string): string {
  return scrub(withoutKeyParts(text, apiKey)).slice(0, LONGEST_MESSAGE);
}

/** @param apiKey the call's own key, which a provider may echo. */
export function refused(refusal: Refusal, classify: Classify, apiKey: string): UpstreamFailure {
  const { status, code, param, requestId, retryAfterMs } = refusal;
  return new UpstreamFailure(classify(refusal), cleanMessage(refusal.message, apiKey), {
    status,
    ...(code === undefined ? {} : { code: cleanMessage(code, apiKey) }),
    ...(param === undefined ? {} : { param: cleanMessage(param, apiKey) }),
    ...(requestId === undefined ? {} : { upstreamRequestId: requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
