/** Recharge orders as their owner and administrators use them: create, read, cancel, refund, expire. */
import { createHash } from 'node:crypto';
import { type AuditAction, type AuditEntry, audited, type By } from '../../core/accounts/audit-log.ts';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { stillLeased } from '../../core/ledger/leases/lease-recall.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import type { Logger } from '../../infra/logger.ts';
import { presentSpan } from '../../infra/telemetry/spans.ts';
import {
  type OrderOutcome,
  orderWorkflowId,
  TASK_QUEUES,
  WORKFLOWS,
  type WorkflowStart,
} from '../../workflows/contracts.ts';
import { FAILURE_REASONS, type Order } from './order.ts';
import {
  cancelOrder,
  createOrder,
  expireOrder,
  type RefundOutcome,
  refundOrder,
  refundPart,
} from './order-operations.ts';
import type { SignalSettled } from './settled-signal.ts';
import type { OrderFilter, OrderPage, OrderStore } from './store.ts';

export interface OrderDeps {
  readonly ledger: Pick<Ledger, 'run' | 'recall'>;
  readonly store: Pick<OrderStore, 'find' | 'page' | 'overdue'>;
  readonly starter: Pick<WorkflowStarter, 'kick'>;
  /** The account of a user, undefined when there is no such user. */
  readonly accountIdOf: (userId: number) => Promise<number | undefined>;
  /** Tells an order's workflow that its row has changed. */
  readonly signalSettled: SignalSettled;
  readonly ttlMs: number;
  readonly currency: string;
  readonly log: Logger;
}

/** Nano-units: 0.01. */
const LEAST_AMOUNT = 10_000_000n;
/** A caller waits this long for the database. */
export const ORDER_WAIT_MS = 5_000;
/** Once an order has expired, its workflow has this long before the reconciler regards it as lost. */
const LOST_WORKFLOW_GRACE_MS = 30_000;

export function noSuchOrder(): AppError {
  return new AppError('notFound', 'there is no such order');
}

export class Orders {
  readonly #deps: OrderDeps;

  constructor(deps: OrderDeps) {
    this.#deps = deps;
  }

  /**
   * Writes a PENDING order; its workflow starts in the background.
   * @param orderNo made by the server; with the number of an earlier call that order is returned.
   * @param by the administrator who creates it.
   * @throws {AppError} invalidParameter below 0.01; notFound for an unknown user; databaseUnavailable.
   */
  async create(userId: number, amount: bigint, orderNo: string = newId(), by?: By): Promise<Order> {
    if (amount < LEAST_AMOUNT) throw invalid([{ path: 'amount', message: 'must be at least 0.01' }]);
    const { ledger, starter, ttlMs, currency, accountIdOf } = this.#deps;
    const accountId = await accountIdOf(userId);
    if (accountId === undefined) throw new AppError('notFound', 'there is no such user');
    const title = `order · ${formatMoney(amount)} ${currency} · user ${userId}`;
    const start = startOf(orderNo, userId, title, ttlMs);
    const after = { userId, amount: formatMoney(amount), currency };
    const operation = audited(createOrder({ orderNo, userId, accountId, amount, currency, ttlMs, start }), (made) =>
      by && made ? orderRecord(by, 'orders.create', orderNo, { after }) : undefined,
    );
    if (await ledger.run(operation, ORDER_WAIT_MS)) starter.kick(start);
    return this.get(orderNo);
  }

  /** @param ownerId only if it is this user's. @throws {AppError} notFound. */
  async get(orderNo: string, ownerId?: number): Promise<Order> {
    const order = await this.#deps.store.find(orderNo, ownerId);
    if (!order) throw noSuchOrder();
    return order;
  }

  page(filter: OrderFilter): Promise<OrderPage> {
    return this.#deps.store.page(filter);
  }

  /**
   * Cancels an order that is not paid. Idempotent: one that has FAILED stays as it is.
   * @param who its owner, only for an order of this user's; or an administrator.
   * @throws {AppError} notFound; illegalState when it is paid.
   */
  async cancel(orderNo: string, who: number | By): Promise<Order> {
    const owner = typeof who === 'number' ? who : undefined;
    const order = await this.get(orderNo, owner);
    const { userId } = order;
    const reason = owner === undefined ? FAILURE_REASONS.cancelledByAdministrator : FAILURE_REASONS.cancelledByOwner;
    const operation = audited(cancelOrder(orderNo, reason), (kind) => {
      if (typeof who === 'number' || kind !== 'cancelled') return undefined;
      const states = { before: { userId, status: 'PENDING' }, after: { userId, status: 'FAILED', reason } };
      return orderRecord(who, 'orders.cancel', orderNo, states);
    });
    const outcome = await this.#deps.ledger.run(operation, ORDER_WAIT_MS);
    if (outcome === 'paid') throw new AppError('illegalState', 'the order is paid and cannot be cancelled');
    if (outcome === 'cancelled') this.#deps.signalSettled(order);
    return this.get(orderNo);
  }

  /**
   * Takes a paid order's amount, at most what is available, out of the account. The payment itself is returned outside
   * of the gateway.
   * @param by the administrator.
   * @param log the request's, when there is one.
   * @throws {AppError} notFound; illegalState when it is not paid, was refunded before or taken back, or nothing is
   * left; unavailable while it would be short because processes have not given leased money back.
   */
  async refund(orderNo: string, reason: string, by: By, log = this.#deps.log): Promise<Order> {
    const { accountId } = await this.get(orderNo);
    const refund = (isAllBack: boolean) => refundOrder({ id: orderNo, accountId, note: reason }, isAllBack);
    return this.#refund(orderNo, refund, reason, by, log);
  }

  /**
   * Takes exactly this part of a paid order out of the account, as often as parts are left.
   * @param part `key` is the caller's for this one refund: the same key and amount refund once.
   * @throws {AppError} as `refund`; invalidParameter above what is left of the order; insufficientBalance;
   * alreadyExists when this was done under the same key more than a day ago.
   */
  async refundPart(
    orderNo: string,
    part: { readonly amount: bigint; readonly key: string },
    reason: string,
    by: By,
    log: Logger,
  ): Promise<Order> {
    const { accountId } = await this.get(orderNo);
    const { amount, key } = part;
    const id = partialRefundId([String(by.actor?.userId), key, orderNo, String(amount)]);
    const refund = (isAllBack: boolean) => refundPart(orderNo, { id, accountId, note: reason }, amount, isAllBack);
    return this.#refund(orderNo, refund, reason, by, log);
  }

  async #refund(
    orderNo: string,
    refund: (isAllBack: boolean) => Operation<RefundOutcome>,
    reason: string,
    by: By,
    log: Logger,
  ): Promise<Order> {
    const { ledger } = this.#deps;
    const { userId, accountId } = await this.get(orderNo);
    const isAllBack = (await ledger.recall(accountId)) !== 'late';
    const operation = audited(refund(isAllBack), (outcome) => {
      if (outcome.kind !== 'refunded') return undefined;
      const after = { userId, amount: formatMoney(outcome.amount), reason };
      return orderRecord(by, 'orders.refund', orderNo, { after });
    });
    const outcome = await ledger.run(operation, ORDER_WAIT_MS);
    if (outcome.kind !== 'refunded') throw refundRefusal(outcome);
    log.info({ orderNo, amount: formatMoney(outcome.amount) }, 'order refunded');
    return this.get(orderNo);
  }

  /** Cancels an order whose time is over by the database's clock. Idempotent. @throws {AppError} notFound. */
  async expire(orderNo: string): Promise<OrderOutcome> {
    const outcome = await this.#deps.ledger.run(expireOrder(orderNo), ORDER_WAIT_MS);
    if (!outcome) throw noSuchOrder();
    return outcome;
  }

  /**
   * Cancels expired orders whose workflow has not done so. Safe in several processes at once.
   * @returns how many it cancelled.
   */
  async expireOverdue(limit: number): Promise<number> {
    const overdue = await this.#deps.store.overdue(LOST_WORKFLOW_GRACE_MS, limit);
    const outcomes = await Promise.all(overdue.map((orderNo) => this.expire(orderNo)));
    const count = outcomes.filter((outcome) => outcome.status === 'FAILED').length;
    if (count > 0) this.#deps.log.warn({ count }, 'orders cancelled that their workflows had left PENDING');
    return count;
  }
}

/** What an administrator did to an order, for the audit log. */
export function orderRecord(
  by: By,
  action: AuditAction,
  orderNo: string,
  states: Pick<AuditEntry, 'before' | 'after'>,
): AuditEntry {
  return { ...by, action, targetKind: 'order', targetId: orderNo, ...states };
}

function startOf(orderNo: string, userId: number, title: string, ttlMs: number): WorkflowStart {
  return {
    workflow: WORKFLOWS.orderExpiry,
    workflowId: orderWorkflowId(userId, orderNo),
    taskQueue: TASK_QUEUES.orders,
    input: { orderNo, ttlMs },
    title,
    searchAttributes: { UserId: userId, OrderNo: orderNo },
    fairnessKey: `user-${userId}`,
    ...presentSpan(),
  };
}

const REFUND_REFUSALS = {
  'refunded-before': 'the order was refunded before',
  'not-paid': 'the order is not paid',
  'taken-back': 'the payment was taken back by the payment provider',
  'nothing-available': 'nothing is available on the account',
} as const;

function refundRefusal(outcome: Exclude<RefundOutcome, { kind: 'refunded' }>): AppError {
  switch (outcome.kind) {
    case 'unknown':
      return noSuchOrder();
    case 'too-much':
      return invalid([
        { path: 'amount', message: `must be at most what is left of the order, ${formatMoney(outcome.left)}` },
      ]);
    case 'leased':
      return stillLeased();
    case 'insufficient':
      return new AppError('insufficientBalance', `only ${formatMoney(outcome.available)} is available on the account`);
    case 'done-long-ago': {
      const message = `was used for this same refund at ${new Date(outcome.atMs).toISOString()}: give a new refund a new key`;
      return new AppError('alreadyExists', `Idempotency-Key: ${message}`, {
        errors: [{ path: 'Idempotency-Key', message }],
      });
    }
    default:
      return new AppError('illegalState', REFUND_REFUSALS[outcome.kind]);
  }
}

/** Made of the request, so that a repeat after a crash moves no money again. */
function partialRefundId(parts: readonly string[]): string {
  return `ref-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}
