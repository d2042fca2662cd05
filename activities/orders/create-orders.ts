/** Constructs everything about orders. */
import type { Sequelize } from 'sequelize';
import type { Config } from '../../infra/config.ts';
import type { Logger } from '../../infra/logger.ts';
import { type OrderDeps, Orders } from './orders.ts';
import { Payments } from './payments.ts';
import type { PaymentProvider } from './providers/payment-provider.ts';
import { SignedCallbacks } from './providers/signed/signed-callback.ts';
import { OrderStore } from './store.ts';

type OrderConfig = Pick<
  Config,
  | 'ORDER_TTL'
  | 'CURRENCY'
  | 'PAYMENT_SECRET'
  | 'PAYMENT_SANDBOX'
  | 'ALIPAY_APP_ID'
  | 'ALIPAY_PUBLIC_KEY'
  | 'ALIPAY_SELLER_ID'
>;

export interface OrdersDeps extends Pick<OrderDeps, 'ledger' | 'starter' | 'accountIdOf' | 'signalSettled'> {
  readonly sequelize: Sequelize;
  readonly config: OrderConfig;
  readonly log: Logger;
}

/** @throws Error when Alipay's settings are half there or its key is none. */
export async function createOrders(
  deps: OrdersDeps,
): Promise<{ orders: Orders; payments: Payments; orderStore: OrderStore }> {
  const { sequelize, config, ledger, starter, accountIdOf, signalSettled, log } = deps;
  const store = new OrderStore(sequelize);
  return {
    orderStore: store,
    orders: new Orders({
      ledger,
      store,
      starter,
      accountIdOf,
      signalSettled,
      ttlMs: config.ORDER_TTL,
      currency: config.CURRENCY,
      log,
    }),
    payments: new Payments({
      ledger,
      store,
      signed: new SignedCallbacks(config.PAYMENT_SECRET),
      alipay: await alipayOf(config),
      sandbox: config.PAYMENT_SANDBOX,
      signalSettled,
      log,
    }),
  };
}

/** Alipay's SDK takes 0.2 s to load, which only installations that use it need to wait for. */
async function alipayOf(config: OrderConfig): Promise<PaymentProvider<Uint8Array> | undefined> {
  const { ALIPAY_APP_ID: appId, ALIPAY_PUBLIC_KEY: publicKey, ALIPAY_SELLER_ID: sellerId } = config;
  if (appId === '' && publicKey === '') return undefined;
  if (appId === '' || publicKey === '') throw new Error('ALIPAY_APP_ID and ALIPAY_PUBLIC_KEY belong together');
  const { AlipayNotify } = await import('./providers/alipay/alipay-notify.ts');
  return new AlipayNotify({ appId, publicKey, sellerId });
}
