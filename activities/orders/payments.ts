/** Payments of orders: who may report them, and what a verified event does. */

import { type AuditEntry, audited, type By } from '../../core/accounts/audit-log.ts';
import type { UserCaller } from '../../core/accounts/caller.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { BALANCE_TOO_LARGE } from '../../core/ledger/operations/credit.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import type { Order } from './order.ts';
import { noSuchOrder, ORDER_WAIT_MS, orderRecord } from './orders.ts';
import { payOrder, recordEvent, type SettlementOutcome, takeBackOrder } from './payment-operations.ts';
import { type OwnWord, rootWord, sandboxWord } from './providers/own-word.ts';
import type { PaymentNotice, PaymentProvider } from './providers/payment-provider.ts';
import type { SignedCallback } from './providers/signed/signed-callback.ts';
import type { SignalSettled } from './settled-signal.ts';
import type { OrderStore } from './store.ts';

export interface PaymentDeps {
  readonly ledger: Pick<Ledger, 'run' | 'recall'>;
  readonly store: Pick<OrderStore, 'find'>;
  readonly signed: PaymentProvider<SignedCallback>;
  /** Undefined when Alipay is not configured. */
  readonly alipay: PaymentProvider<Uint8Array> | undefined;
  /** Owners may pay their own orders. */
  readonly sandbox: boolean;
  readonly signalSettled: SignalSettled;
  readonly log: Logger;
}

/** A call of `pay-success` or `chargeback`. */
export interface PaymentCall extends Omit<SignedCallback, 'signature'> {
  /** Value of X-Payment-Signature; empty when there is none. */
  readonly signature: string;
  readonly caller: UserCaller | undefined;
  /** Of the request. */
  readonly traceId?: string;
}

export class Payments {
  readonly #deps: PaymentDeps;

  constructor(deps: PaymentDeps) {
    this.#deps = deps;
  }

  /**
   * Settles a payment, or a payment that was taken back. Idempotent by order and by event.
   * @param log the request's, when there is one.
   * @returns the order as it then is.
   * @throws {AppError} forbidden without a proof or with a bad one; notFound; invalidParameter for an amount or
   * currency that is not the order's; illegalState for a balance that would become too large; idempotencyMismatch for a
   * known event with another content; databaseUnavailable.
   */
  async receive(call: PaymentCall, log = this.#deps.log): Promise<Order> {
    const notice = this.#read(call);
    const { caller, traceId } = call;
    const byRoot = caller && notice.provider === rootWord.name;
    return this.#settle(
      notice,
      log,
      byRoot ? { actor: caller, ...(traceId === undefined ? {} : { traceId }) } : undefined,
    );
  }

  /** Settles Alipay's notification. @param form the body as it came. @throws {AppError} as `receive`. */
  async receiveAlipay(form: Uint8Array, log = this.#deps.log): Promise<void> {
    const { alipay } = this.#deps;
    if (!alipay) throw new AppError('forbidden', 'Alipay is not set up here: ALIPAY_APP_ID is empty');
    await this.#settle(alipay.read(form), log);
  }

  /** A signature that is sent must be valid, for every caller. */
  #read(call: PaymentCall): PaymentNotice {
    const { signed, sandbox } = this.#deps;
    const { caller, signature, kind } = call;
    if (signature !== '') return signed.read(call);
    if (caller !== undefined) {
      const word: OwnWord = { userId: caller.userId, fields: call.fields, kind };
      if (caller.role === 'ROLE_ROOT_ADMIN') return rootWord.read(word);
      if (sandbox && kind === 'payment') return sandboxWord.read(word);
    }
    throw new AppError('forbidden', 'a payment needs a valid X-Payment-Signature or the token of a ROOT user');
  }

  /** @param by the administrator who reports it. */
  async #settle(notice: PaymentNotice, log: Logger, by?: By): Promise<Order> {
    const { ledger, store, signalSettled } = this.#deps;
    const { provider, eventId, orderNo, kind } = notice;
    const order = await store.find(orderNo, notice.payerId);
    if (!order) {
      log.warn({ provider, eventId, orderNo }, 'payment event of an unknown order');
      // What users try is not an event of a payment provider.
      if (notice.payerId === undefined) await ledger.run(recordEvent(notice, 'unknown_order'), ORDER_WAIT_MS);
      throw noSuchOrder();
    }
    if (kind === 'other') {
      await ledger.run(recordEvent(notice, 'ignored'), ORDER_WAIT_MS);
      return order;
    }
    const settlement = { notice, accountId: order.accountId };
    // What is leased belongs to the account, too, and a debt is not to be made while there is money.
    if (kind === 'chargeback') await ledger.recall(order.accountId);
    const operation = kind === 'chargeback' ? takeBackOrder(settlement) : payOrder(settlement);
    const outcome = await ledger.run(
      audited(operation, (settled) => by && recordOf(by, notice, order, settled)),
      ORDER_WAIT_MS,
    );
    log[levelOf(outcome)]({ provider, eventId, orderNo, kind, outcome: loggable(outcome) }, 'payment event');
    if (outcome.kind === 'refused' || outcome.kind === 'other-body') throw refusal(outcome, kind);
    if (outcome.kind === 'settled') {
      signalSettled(order);
      if (kind === 'partly-refunded') log.warn({ orderNo, note: notice.note }, PARTLY_REFUNDED);
    }
    return (await store.find(orderNo)) ?? order;
  }
}

function recordOf(
  by: By,
  { eventId }: PaymentNotice,
  order: Order,
  outcome: SettlementOutcome,
): AuditEntry | undefined {
  const { orderNo, userId, currency, status } = order;
  const shared = { userId, currency, eventId };
  if (outcome.kind === 'settled') {
    const after = { ...shared, amount: formatMoney(order.amount), status: 'COMPLETED', paidLate: outcome.late };
    return orderRecord(by, 'orders.pay-success', orderNo, { before: { userId, status }, after });
  }
  if (outcome.kind !== 'taken-back') return undefined;
  const after = { ...shared, amount: formatMoney(outcome.amount), unbooked: formatMoney(outcome.unbooked) };
  return orderRecord(by, 'orders.chargeback', orderNo, { after });
}

const PARTLY_REFUNDED =
  'a payment of which the provider has refunded a part was new here and is credited whole: adjust the balance by that part';

/** Cases that a person should check. */
function levelOf(outcome: SettlementOutcome): 'info' | 'warn' {
  if (outcome.kind === 'taken-back') return outcome.unbooked === 0n ? 'info' : 'warn';
  return outcome.kind === 'settled' || outcome.kind === 'done-before' ? 'info' : 'warn';
}

function loggable(outcome: SettlementOutcome) {
  if (outcome.kind !== 'taken-back') return outcome;
  return { ...outcome, amount: formatMoney(outcome.amount), unbooked: formatMoney(outcome.unbooked) };
}

function refusal(
  outcome: Extract<SettlementOutcome, { kind: 'refused' | 'other-body' }>,
  kind: PaymentNotice['kind'],
): AppError {
  if (outcome.kind === 'other-body') {
    return new AppError('idempotencyMismatch', 'eventId: this event came before with another content');
  }
  switch (outcome.why) {
    case 'amount_mismatch':
      return invalid([
        { path: 'amount', message: kind === 'chargeback' ? 'must be above 0' : "is not the order's amount" },
      ]);
    case 'currency_mismatch':
      return invalid([{ path: 'currency', message: "is not the order's currency" }]);
    case 'not_paid':
      return new AppError('illegalState', 'the order is not paid');
    case 'balance_limit':
      return new AppError('illegalState', BALANCE_TOO_LARGE);
  }
}
