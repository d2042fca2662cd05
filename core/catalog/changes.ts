/**
 * How administrators change the catalog: each change with its audit record in one transaction, then announced to all
 * processes.
 */
import type { Transaction } from 'sequelize';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { AuditAction, AuditEntry, AuditLog, By } from '../accounts/audit-log.ts';
import type { Catalog } from './catalog.ts';
import type { CatalogTables } from './tables.ts';

interface ChangesDeps {
  readonly tables: CatalogTables;
  readonly catalog: Catalog;
  readonly audit: Pick<AuditLog, 'record'>;
}

/** Changes of one kind of thing. */
export class Changes {
  readonly #deps: ChangesDeps;
  readonly #kind: 'model' | 'provider' | 'provider-key';

  constructor(deps: ChangesDeps, kind: 'model' | 'provider' | 'provider-key') {
    this.#deps = deps;
    this.#kind = kind;
  }

  /** Runs `work` in a transaction, after a deadlock once more; it also writes the records. */
  async write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const { tables, catalog } = this.#deps;
    const result = await inTransaction(tables.sequelize, work);
    await catalog.changed();
    return result;
  }

  record(
    action: AuditAction,
    id: number,
    by: By,
    states: Pick<AuditEntry, 'before' | 'after'>,
    transaction: Transaction,
  ): Promise<void> {
    const target = { targetKind: this.#kind, targetId: id };
    return this.#deps.audit.record({ ...by, action, ...target, ...states }, transaction);
  }
}
