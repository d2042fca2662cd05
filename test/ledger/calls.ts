/** Calls as tests of the ledger make them. Processes that such a test starts need them, too: this loads little. */
import { type Capture, capture } from '../../core/ledger/operations/capture.ts';
import type { HoldRequest } from '../../core/ledger/operations/hold.ts';
import { accounts, keyBudgets } from '../../core/ledger/tables/accounts.ts';
import { claims } from '../../core/ledger/tables/claims.ts';
import { holds, leases } from '../../core/ledger/tables/holds.ts';
import { transfers } from '../../core/ledger/tables/transfers.ts';
import { finishedCall } from '../../core/usage/finished-call.fixture.ts';

/** What a commit queue writes to. */
export const TABLES = [accounts, keyBudgets, holds, leases, claims, transfers];
export const DAY = '2026-11-24';

export function callHold(id: string, accountId: number, amount: bigint): HoldRequest {
  return { id, accountId, accessKeyId: null, owner: 'call', amount, priceIds: [1], lifeMs: 60_000 };
}

export function callRequest(id: string, accountId: number, cost: bigint): Capture {
  const call = finishedCall(id, { modelId: 1, accessKeyId: null });
  return { holdId: id, accountId, budgetKeyId: null, priceId: 1, cost, call };
}

export function callCapture(id: string, accountId: number, cost: bigint): ReturnType<typeof capture> {
  return capture(callRequest(id, accountId, cost));
}
