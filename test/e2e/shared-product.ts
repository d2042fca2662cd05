/**
 * A product for several test files: those that run in one process (test-files.ts, TOGETHER) share it. The first one
 * starts it; it ends when all have run. Each makes users, providers and models of its own.
 */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { OWN_ADDRESSES } from '../api/asking.ts';
import { type OddProvider, startOddProvider } from './odd-provider.ts';
import { type Product, type ProductOptions, startProduct } from './product.ts';
import { upstream } from './upstream.ts';

/** What the files of each group need. */
const KINDS = {
  api: { settings: OWN_ADDRESSES },
  calls: { worker: false, settings: { REGISTRATION_GRANT: '100' } },
  documents: {},
  field: { settings: { REGISTRATION_GRANT: '1000', REFUSED_KEY_RETRY: '1s' } },
  jobs: { settings: { REGISTRATION_GRANT: '100', ORDER_TTL: '2s' } },
  routing: { worker: false, settings: { REGISTRATION_GRANT: '1000', REFUSED_KEY_RETRY: '1s' } },
  workers: { settings: { SHUTDOWN_GRACE: '1s' } },
} as const satisfies Record<string, Omit<ProductOptions, 'name'>>;

export interface Shared {
  readonly product: Product;
  /** It may be called by the product, and `join` it. */
  readonly odd: OddProvider;
}

let shared: { readonly kind: keyof typeof KINDS; readonly started: Promise<Shared> } | undefined;

/** The product, its simulator without faults and memory of earlier calls. */
export async function sharedProduct(kind: keyof typeof KINDS): Promise<Shared> {
  shared ??= { kind, started: start(kind) };
  assert.equal(kind, shared.kind, 'files of one process share one product');
  const { product, odd } = await shared.started;
  await upstream(product).noFaults();
  await upstream(product).forget();
  return { product, odd };
}

async function start(kind: keyof typeof KINDS): Promise<Shared> {
  const odd = await startOddProvider();
  try {
    const product = await startProduct({ name: `shared-${kind}`, privateHosts: [odd.host], ...KINDS[kind] });
    return { product, odd };
  } catch (error) {
    // It would keep the process alive.
    odd.close();
    throw error;
  }
}

// Of the process: each file that is loaded has its own tests, and this runs after all of them.
after(async () => {
  const started = await shared?.started.catch(() => undefined);
  started?.odd.close();
  await started?.product.close();
});
