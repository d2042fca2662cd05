/** A check of the ledger that an administrator asks for, beside the one of every night. */
import type { Sequelize } from 'sequelize';
import type { AuditLog, By } from '../../core/accounts/audit-log.ts';
import type { Reconciliation } from '../../core/ledger/reconcile.ts';
import { AppError } from '../../infra/errors.ts';
import { inTransaction, withNamedLock } from '../../infra/mysql/transaction.ts';

/**
 * Waits for the check, which reads the whole ledger, and records who asked for it.
 * @throws {AppError} illegalState while another one that was asked for is running.
 */
export async function reconcileNow(
  sequelize: Sequelize,
  audit: Pick<AuditLog, 'record'>,
  reconcile: () => Promise<Reconciliation>,
  by: By,
): Promise<Reconciliation> {
  const result = await withNamedLock(sequelize, 'reconcile-now', async () => {
    const { startedAt, finishedAt, breaches, invariants } = await reconcile();
    await inTransaction(sequelize, (transaction) => {
      const what = { action: 'ledger.reconcile', targetKind: 'ledger', targetId: 'all', after: { breaches } } as const;
      return audit.record({ ...by, ...what }, transaction);
    });
    return { startedAt, finishedAt, breaches, invariants };
  });
  if (result !== undefined) return result;
  throw new AppError('illegalState', 'the ledger is being checked already', { retryAfterSeconds: 5 });
}
