/** The console as people use it, in a browser, on a running product. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { assertAccessible, type ConsoleBrowser, scriptBytes, startBrowser, takePictures } from './browser.ts';

const MOST_SCRIPT_BYTES = 250_000;
/** What the console keeps of its user's choices. */
const CHOICES = new Set(['console-language', 'mantine-color-scheme-value']);

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

async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
}

/** Neither the login token, which is a JWT, nor anything else that lives longer than the page and is not a choice. */
async function assertNoTokenIn(page: Page): Promise<void> {
  const readable = await page.evaluate(
    'JSON.stringify({ cookie: document.cookie, names: Object.keys({ ...localStorage, ...sessionStorage }).sort() })',
  );
  const { cookie, names } = z
    .object({ cookie: z.string(), names: z.array(z.string()) })
    .parse(JSON.parse(`${readable}`));
  assert.equal(cookie, '');
  assert.deepEqual(
    names.filter((name) => !CHOICES.has(name)),
    [],
  );
  for (const { httpOnly, sameSite } of await page.context().cookies()) {
    assert.deepEqual({ httpOnly, sameSite }, { httpOnly: true, sameSite: 'Strict' });
  }
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

  test('stays signed in over a reload, by nothing that a script can read', async () => {
    await page.reload();
    await page.getByText('¥5.00').waitFor();
    await assertNoTokenIn(page);
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

describe('a session', () => {
  test('ends in the browser and at the API when its user signs out, in every tab', async () => {
    const page = await browser.open(url());
    await signIn(page, 'ada', 'a-long-password');
    const other = await page.context().newPage();
    await other.goto(url());
    await other.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'ada' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    await assertNoTokenIn(page);
    await other.getByRole('navigation').getByRole('link', { name: 'Calls' }).click();
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('a wrong password is shown beside the form, which keeps what was written', async () => {
    const page = await browser.open(url());
    await page.getByLabel('User name').fill('ada');
    await page.getByRole('textbox', { name: 'Password' }).fill('not-the-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('That did not work').waitFor();
    assert.equal(await page.getByLabel('User name').inputValue(), 'ada');
  });
});

describe('an administrator', () => {
  let page: Page;

  test('finds a user, changes the balance and sees it at once', async () => {
    page = await browser.open(url());
    await signIn(page, 'root', product.rootPassword);
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
