/** The console as people use it, in a browser, on a running product. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
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

  test('pays an order, which becomes balance and stands in the statement', async () => {
    await openView(page, 'Orders');
    await page.getByText('There is no order yet.').waitFor();
    await page.getByRole('button', { name: 'New order' }).click();
    await page.getByLabel('Amount (CNY)').fill('12.5');
    await page.getByRole('dialog').getByRole('button', { name: 'New order' }).click();
    await page.getByText('Waiting for payment').waitFor();
    await look(page, 'orders');
    await page.getByRole('button', { name: /^Pay:/ }).click();
    await page.getByText('Paid', { exact: true }).waitFor();
    await openView(page, 'Statements');
    await page.getByTestId('topUps').getByText('¥12.50').waitFor();
    assert.equal(await page.getByTestId('closing').textContent(), '¥17.50');
    await look(page, 'statements');
  });

  test('finds the other views empty, and none of the administration', async () => {
    await openView(page, 'Jobs');
    await page.getByText('There is no job.').waitFor();
    await look(page, 'jobs');
    await openView(page, 'Calls');
    await page.getByText('No call is like that.').waitFor();
    await look(page, 'calls');
    await openView(page, 'Profile');
    await look(page, 'profile');
    assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0);
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
});

describe('an administrator', () => {
  let page: Page;

  test('finds a user, changes the balance and sees it at once', async () => {
    page = await browser.open(url());
    await page.getByLabel('User name').fill('root');
    await page.getByRole('textbox', { name: 'Password' }).fill(product.rootPassword);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await openView(page, 'Users');
    await page.getByLabel('Name, email address or id').fill('ada');
    await page.getByRole('button', { name: 'ada', exact: true }).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('¥17.50').waitFor();
    await drawer.getByLabel('Change of the balance').fill('0.000000001');
    await drawer.getByLabel('Reason').fill('a gift');
    await drawer.getByRole('button', { name: 'Book it' }).click();
    await drawer.getByText('¥17.500000001').waitFor();
    await look(page, 'user');
    await page.keyboard.press('Escape');
    await look(page, 'users');
  });

  test('finds whose a leaked key is and revokes it', async () => {
    const leaked = await newCustomer(product.apis[0], { name: 'leaked' });
    await openView(page, 'Keys of all users');
    await page.getByLabel('A key that was found').fill(leaked.key);
    await page.getByRole('button', { name: 'Find its owner' }).click();
    const dialog = page.getByRole('dialog', { name: 'The key that was found' });
    await dialog.getByText(leaked.name).waitFor();
    await dialog.getByRole('button', { name: 'Revoke: leaked' }).click();
    await page.getByRole('dialog', { name: 'Revoke', exact: true }).getByRole('button', { name: 'Revoke' }).click();
    await dialog.getByText('Revoked').waitFor();
    await page.keyboard.press('Escape');
    await look(page, 'all-keys');
    assert.equal((await call(product.apis[0], 'GET', '/v1/async/jobs', { key: leaked.key })).status, 401);
  });

  test('looks at the calls of all and at what they spent', async () => {
    await openView(page, 'Calls of all users');
    await look(page, 'all-calls');
    await openView(page, 'Spend');
    await look(page, 'spend');
  });

  test('and nobody is refused anything by the policy of the pages, or asks another host', () => {
    browser.assertQuiet();
  });
});
