/** What administrators did: who, what, before and after, when. The one owner of the table `audit_log`; append-only. */
import {
  DataTypes,
  type Model,
  type ModelStatic,
  Op,
  type Optional,
  type Sequelize,
  type Transaction,
} from 'sequelize';
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import { withoutSecrets } from '../../infra/secrets.ts';
import type { Operation } from '../ledger/commit-queue/operation.ts';
import type { LedgerSink } from '../ledger/commit-queue/table.ts';
import type { UserCaller } from './caller.ts';

/** What is done. */
export const AUDIT_ACTIONS = [
  'access-keys.revoke',
  'jobs.cancel',
  'ledger.reconcile',
  'models.create',
  'models.delete',
  'models.update',
  'orders.cancel',
  'orders.chargeback',
  'orders.create',
  'orders.pay-success',
  'orders.refund',
  'provider-keys.create',
  'provider-keys.delete',
  'provider-keys.enter-again',
  'provider-keys.status',
  'provider-keys.update',
  'providers.create',
  'providers.delete',
  'providers.update',
  'users.adjust-balance',
  'users.assign-role',
  'users.close',
  'users.create',
  'users.reset-password',
  'users.status',
  'webhooks.redeliver',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** To what it is done. */
export const AUDIT_TARGETS = [
  'access-key',
  'job',
  'ledger',
  'model',
  'order',
  'provider',
  'provider-key',
  'user',
  'webhook-delivery',
] as const;

/** Who acts; null = the operator at the server's command line. */
export type Actor = Pick<UserCaller, 'userId' | 'username'> | null;

/** Who changes something, and in which request. */
export interface By {
  readonly actor: Actor;
  readonly traceId?: string;
}

export interface AuditEntry extends By {
  readonly action: AuditAction;
  readonly targetKind: (typeof AUDIT_TARGETS)[number];
  readonly targetId: string | number;
  /** States before and after; secrets in them are blanked. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface AuditRecord {
  readonly id: number;
  readonly actorUserId: number | null;
  readonly actorName: string;
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly traceId: string | null;
  readonly createdAt: Date;
}

export interface AuditQuery {
  readonly actorUserId?: number | undefined;
  readonly action?: string | undefined;
  readonly targetKind?: string | undefined;
  readonly targetId?: string | undefined;
  readonly traceId?: string | undefined;
  /** When it was changed: from this instant on, and before that one. */
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
  readonly pageNum: number;
  readonly pageSize: number;
  /** Id of a record: those before it, uncounted. */
  readonly cursor?: number | undefined;
}

/** One more than a page has, if there are more. */
export interface AuditPage {
  readonly records: AuditRecord[];
  readonly total: number | undefined;
}

interface Row {
  id: string;
  actorUserId: number | null;
  actorName: string;
  action: string;
  targetKind: string;
  targetId: string;
  beforeState: unknown;
  afterState: unknown;
  traceId: string | null;
  createdAt: Date;
}
type RowModel = Model<Row, Optional<Row, 'id' | 'createdAt'>>;

const ends = rowOf({ first: orNull(column.integer), last: orNull(column.integer) });

const KEYBOARD = 'command line';
const NAME_LENGTH = 50;

export class AuditLog {
  readonly #sequelize: Sequelize;
  readonly #rows: ModelStatic<RowModel>;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
    this.#rows = sequelize.define<RowModel>('audit_log', {
      id: { type: DataTypes.BIGINT.UNSIGNED, primaryKey: true, autoIncrement: true },
      actorUserId: { type: DataTypes.INTEGER.UNSIGNED },
      actorName: { type: DataTypes.STRING(NAME_LENGTH), allowNull: false },
      action: { type: DataTypes.STRING(60), allowNull: false },
      targetKind: { type: DataTypes.STRING(30), allowNull: false },
      targetId: { type: DataTypes.STRING(64), allowNull: false },
      beforeState: { type: DataTypes.JSON },
      afterState: { type: DataTypes.JSON },
      traceId: { type: DataTypes.STRING(64) },
      createdAt: { type: DataTypes.DATE(3) },
    });
  }

  /** In the transaction of the change itself, so that there is no change without its record. */
  async record(entry: AuditEntry, transaction: Transaction): Promise<void> {
    await this.#rows.create(valuesOf(entry), { transaction });
  }

  /** One page, newest first. */
  async page(query: AuditQuery): Promise<AuditPage> {
    const { pageNum, pageSize, from, until, cursor, ...filters } = query;
    const time = { ...(from && { [Op.gte]: from }), ...(until && { [Op.lt]: until }) };
    const where = {
      ...Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)),
      ...(from || until ? { createdAt: time } : {}),
    };
    const id = {
      ...(from || until ? await this.#idsOf(from, until) : {}),
      ...(cursor === undefined ? {} : { [Op.lt]: cursor }),
    };
    const isPart = from !== undefined || until !== undefined || cursor !== undefined;
    const [rows, total] = await Promise.all([
      this.#rows.findAll({
        where: isPart ? { ...where, id } : where,
        order: [['id', 'DESC']],
        limit: pageSize + 1,
        offset: cursor === undefined ? (pageNum - 1) * pageSize : 0,
      }),
      cursor === undefined ? this.#rows.count({ where }) : undefined,
    ]);
    return { records: rows.map((row) => recordOf(row.get())), total };
  }

  /** Where the records of a time stand: the primary key would be read from the newest on to find them. */
  async #idsOf(from: Date | undefined, until: Date | undefined): Promise<{ [Op.between]: [number, number] }> {
    const conditions = [...(from ? ['created_at >= :from'] : []), ...(until ? ['created_at < :until'] : [])];
    const sql = `SELECT MIN(id) AS first, MAX(id) AS last FROM audit_log WHERE ${conditions.join(' AND ')}`;
    const [ids] = await select(this.#sequelize, ends.read, sql, { from, until });
    return { [Op.between]: [ids?.first ?? 0, ids?.last ?? 0] };
  }
}

const auditEntries: LedgerSink<{ readonly entry: AuditEntry; readonly atMs: number }> = {
  name: 'audit_log',
  write: (items) =>
    insertRows(
      'audit_log',
      [
        ...['actor_user_id', 'actor_name', 'action', 'target_kind', 'target_id'],
        ...['before_state', 'after_state', 'trace_id', 'created_at'],
      ],
      items.map(({ entry, atMs }) => {
        const row = valuesOf(entry);
        return [
          ...[row.actorUserId, row.actorName, row.action, row.targetKind, row.targetId],
          ...[jsonOrNull(row.beforeState), jsonOrNull(row.afterState), row.traceId, utcDateTime(atMs)],
        ];
      }),
    ),
};
/** Of one record in the packet of a batch. */
const RECORD_BYTES = 2_000;

/**
 * A change of money with its record, in one transaction of the ledger.
 * @param entryOf what to record of the outcome; undefined where nothing was changed.
 */
export function audited<Result>(
  operation: Operation<Result>,
  entryOf: (result: Result) => AuditEntry | undefined,
): Operation<Result> {
  return {
    ...operation,
    bytes: (operation.bytes ?? 0) + RECORD_BYTES,
    decide: (rows) => {
      const result = operation.decide(rows);
      const entry = entryOf(result);
      if (entry !== undefined) rows.append(auditEntries, { entry, atMs: rows.nowMs });
      return result;
    },
  };
}

function valuesOf(entry: AuditEntry) {
  return {
    actorUserId: entry.actor?.userId ?? null,
    actorName: (entry.actor?.username ?? KEYBOARD).slice(0, NAME_LENGTH),
    action: entry.action,
    targetKind: entry.targetKind,
    targetId: String(entry.targetId),
    beforeState: withoutSecrets(entry.before) ?? null,
    afterState: withoutSecrets(entry.after) ?? null,
    traceId: entry.traceId ?? null,
  };
}

function jsonOrNull(state: unknown): string | null {
  return state === null ? null : JSON.stringify(state);
}

const stored = rowOf({
  id: column.integer,
  actorUserId: orNull(column.integer),
  actorName: column.text,
  action: column.text,
  targetKind: column.text,
  targetId: column.text,
  beforeState: column.json,
  afterState: column.json,
  traceId: orNull(column.text),
  createdAt: column.time,
});

function recordOf(row: Row): AuditRecord {
  const { beforeState: before, afterState: after, ...rest } = stored.ofModel(row);
  return { ...rest, before, after };
}
