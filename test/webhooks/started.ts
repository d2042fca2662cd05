/** A product and a receiver of its messages for both files: they run in one process (test-files.ts, TOGETHER). */
import { after } from 'node:test';
import { type Product, startProduct } from '../e2e/product.ts';
import { type Receiver, startReceiver } from './receiver.ts';

interface Started {
  readonly product: Product;
  readonly receiver: Receiver;
}

let started: Promise<Started> | undefined;

export function startedProduct(): Promise<Started> {
  started ??= start();
  return started;
}

async function start(): Promise<Started> {
  const receiver = await startReceiver();
  try {
    const settings = { WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}` };
    return { product: await startProduct({ name: 'webhooks', settings }), receiver };
  } catch (error) {
    // It would keep the process alive.
    receiver.close();
    throw error;
  }
}

// Of the process: it runs after the tests of all files.
after(async () => {
  const all = await started?.catch(() => undefined);
  await all?.product.close();
  all?.receiver.close();
});
