/** How the limits of an access key stand, in the headers and forms that OpenAI's clients read. */
import type { LimitState, RateState } from '../../core/accounts/key-limit-rule.ts';
import type { ApiContext } from './route-input.ts';

/** For `onLimits` of a call: its answer says how the limits stand, a refusal too. */
export function tellLimits(ctx: ApiContext): (state: LimitState) => void {
  return ({ requests, tokens }) => {
    if (requests) setRate(ctx, 'requests', requests);
    if (tokens) setRate(ctx, 'tokens', tokens);
  };
}

function setRate(ctx: ApiContext, what: 'requests' | 'tokens', { limit, remaining, resetMs }: RateState): void {
  ctx.set({
    [`x-ratelimit-limit-${what}`]: String(limit),
    [`x-ratelimit-remaining-${what}`]: String(remaining),
    [`x-ratelimit-reset-${what}`]: durationText(resetMs),
  });
}

/** `0s`, `120ms`, `8.64s`, `6m0s`. */
export function durationText(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1_000;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
