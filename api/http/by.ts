/** Who changes something, and in which request: what the audit log keeps of a caller. */
import type { By } from '../../core/accounts/audit-log.ts';
import type { UserCaller } from '../../core/accounts/caller.ts';

export function by({ caller, traceId }: { caller: UserCaller; traceId: string }): By {
  return { actor: caller, traceId };
}
