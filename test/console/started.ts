/** A product and a browser for the test files of the console: they run in one process (test-files.ts, TOGETHER). */
import { after } from 'node:test';
import { type Product, startProduct } from '../e2e/product.ts';
import { type Receiver, startReceiver } from '../webhooks/receiver.ts';
import { type ConsoleBrowser, startBrowser } from './browser.ts';

interface Started {
  readonly product: Product;
  readonly browser: ConsoleBrowser;
  /** Of webhooks. */
  readonly receiver: Receiver;
}

let started: Promise<Started> | undefined;

/** By the first file that asks. */
export function start(): Promise<Started> {
  started ??= startAll();
  return started;
}

async function startAll(): Promise<Started> {
  const browser = await startBrowser();
  const receiver = await startReceiver();
  const settings = { REGISTRATION_GRANT: '5', WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}` };
  try {
    return { product: await startProduct({ name: 'console', settings }), browser, receiver };
  } catch (error) {
    // They would keep the test's process alive.
    receiver.close();
    await browser.close();
    throw error;
  }
}

// Of the process: it runs after the tests of all files.
after(async () => {
  const all = await started?.catch(() => undefined);
  all?.receiver.close();
  await all?.browser.close();
  await all?.product.close();
});
