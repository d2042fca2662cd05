/** The limits of an access key around a call or a job. A key without limits is not looked up and costs nothing. */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { isLimited, type LimitState } from '../../core/accounts/key-limit-rule.ts';
import type { Admission, AdmissionRequest, KeyLimits } from '../../core/accounts/key-limits.ts';
import type { Usage } from '../../core/ledger/money.ts';

export interface LimitedRequest {
  readonly caller: AccessKeyCaller;
  /** Told how the limits of the access key stand, when it has any, before the call is made or refused. */
  readonly onLimits?: (state: LimitState) => void;
}

/**
 * Reserves for a request that its key's limits let through; one that then is not held for uses nothing of them.
 * @throws {AppError} tooManyRequests, and what `reserve` throws.
 */
export async function underLimits<Reserved>(
  limits: KeyLimits,
  request: LimitedRequest,
  entry: AdmissionRequest,
  reserve: (admission: Admission | undefined) => Promise<Reserved>,
  isHeld: (reserved: Reserved) => boolean,
): Promise<Reserved> {
  if (!isLimited(request.caller)) return reserve(undefined);
  const verdict = await limits.admit(request.caller, entry);
  request.onLimits?.(verdict.state);
  if (verdict.kind === 'refused') throw verdict.error;
  let held = false;
  try {
    const reserved = await reserve(verdict.admission);
    held = isHeld(reserved);
    return reserved;
  } finally {
    if (!held) limits.settle(verdict.admission, 0);
  }
}

/** A call has ended; `usage` undefined = it was not served. No waiting. */
export function settleLimits(
  limits: Pick<KeyLimits, 'settle'>,
  admission: Admission | undefined,
  usage?: Pick<Usage, 'promptTokens' | 'completionTokens'>,
): void {
  if (admission) limits.settle(admission, usage ? usage.promptTokens + usage.completionTokens : 0);
}
