/** The console as people use it, in a browser, on a running product. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Product, startProduct } from '../e2e/product.ts';
import { assertAccessible, type ConsoleBrowser, scriptBytes, startBrowser, takePictures } from './browser.ts';

const MOST_SCRIPT_BYTES = 250_000;

let product: Product;
let browser: ConsoleBrowser;

before(async () => {
  browser = await startBrowser();
  product = await startProduct({ name: 'console', settings: { REGISTRATION_GRANT: '5' } });
});
after(async () => {
  await browser?.close();
  await product?.close();
});

function url(): string {
  return `${product.apis[0]?.url}/`;
}

async function openView(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  await page.getByRole('main').locator('[aria-busy=true]').waitFor({ state: 'detached' });
}

async function look(page: Page, view: string): Promise<void> {
  await assertAccessible(page, view);
  await takePictures(page, view);
}

describe('a new user', () => {
  let page: Page;

  test('is led from the root to the console, whose first view is small', async () => {
    page = await browser.open(url());
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.match(page.url(), /\/console$/);
    const bytes = await scriptBytes(page);
    assert.ok(bytes > 0 && bytes <= MOST_SCRIPT_BYTES, `${bytes} bytes of script`);
    await look(page, 'sign-in');
  });

  test('signs up and sees an account with the grant', async () => {
    await page.getByRole('button', { name: 'I am new here' }).click();
    await page.getByLabel('User name').fill('ada');
    await page.getByRole('textbox', { name: 'Password' }).fill('short');
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByText('must have at least 6 characters').first().waitFor();
    await page.getByRole('textbox', { name: 'Password' }).fill('a-long-password');
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.getByText('¥5.00').waitFor();
    await look(page, 'overview');
  });

  test('makes a key, which is shown once, limits it and deletes it', async () => {
    await openView(page, 'Access keys');
    await page.getByText('There is no access key yet.').waitFor();
    await page.getByRole('button', { name: 'Create a key' }).click();
    await page.getByLabel('Name').fill('laptop');
    await page.getByLabel('Budget', { exact: true }).fill('1.000000001');
    await look(page, 'key-form');
    await page.getByRole('button', { name: 'Save' }).click();
    assert.match((await page.getByTestId('secret').textContent()) ?? '', /^ak-/);
    await page.getByText('¥1.000000001 a month').waitFor();
    await look(page, 'keys');
    await page.getByRole('button', { name: 'Delete: laptop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('There is no access key yet.').waitFor();
  });

  test('reads the prices of the models, in Chinese too', async () => {
    await openView(page, 'Models and prices');
    await page.getByText('sim-chat', { exact: true }).waitFor();
    await look(page, 'models');
    await page.getByRole('button', { name: 'Language and colours' }).click();
    await page.getByRole('menuitem', { name: '中文' }).click();
    await page.getByRole('heading', { name: '模型与价格' }).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
    await look(page, 'models-chinese');
  });

  test('is refused nothing by the policy of the pages, and no other host is asked', () => {
    browser.assertQuiet();
  });
});
