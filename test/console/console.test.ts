/** The console as people use it, in a browser, on a running product. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { sumOf } from '../../console/src/shared/amounts.ts';
import { call, newCustomer, type Product } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import {
  assertAccessible,
  assertAccessibleInDark,
  type ConsoleBrowser,
  goTo,
  onPhone,
  openView,
  scriptBytes,
  signIn,
  takePicture,
} from './browser.ts';
import { start } from './started.ts';
import { VIEWS } from './views.ts';

const MOST_SCRIPT_BYTES = 250_000;
/** What the console keeps of its user's choices. */
const CHOICES = new Set(['console-language', 'mantine-color-scheme-value']);

const WEATHER = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

let product: Product;
let browser: ConsoleBrowser;

before(async () => {
  ({ browser, product } = await start());
});

function url(): string {
  return `${product.apis[0]?.url}/`;
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

/** `-¥1,234.50` as a decimal. */
function decimalOf(shown: string): string {
  return shown.replaceAll(/[¥,]/g, '');
}

/** At what is beside or above a view, or comes of what is done in it; views.test.ts looks at the views themselves. */
async function look(page: Page, view: string): Promise<void> {
  await assertAccessible(page, view);
  await assertAccessibleInDark(page, view);
  await onPhone(page, view);
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

  test('is shown the page where the messages beside it cannot be fetched', async () => {
    await page.route(/\/assets\/notices/, (route) => route.abort());
    await Promise.all([
      page.waitForEvent('requestfailed', (request) => request.url().includes('/notices')),
      page.reload(),
    ]);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.unrouteAll();
    await page.reload();
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
  });

  test('stays signed in over a reload, by nothing that a script can read', async () => {
    await page.reload();
    await page.getByText('¥5.00').waitFor();
    await assertNoTokenIn(page);
  });

  test('makes a key, which is shown once, limits it and deletes it', async () => {
    await openView(page, 'Access keys');
    await page.getByText('No access keys yet.').waitFor();
    await page.getByRole('button', { name: 'Create a key' }).click();
    await page.getByLabel('Name').fill('laptop');
    await page.getByLabel('Tag').fill('team-of-ada');
    await page.getByLabel('Budget', { exact: true }).fill('1.000000001');
    await look(page, 'key-form');
    await page.getByRole('button', { name: 'Save' }).click();
    assert.match((await page.getByTestId('secret').textContent()) ?? '', /^ak-/);
    await page.getByText('¥1.000000001 a month', { exact: true }).waitFor();
    await page.getByText('of ¥1.000000001 a month').waitFor();
    await page.getByText('team-of-ada').waitFor();
    await page.getByRole('button', { name: 'Edit: laptop' }).click();
    assert.equal(await page.getByLabel('Tag').inputValue(), 'team-of-ada');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Delete: laptop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No access keys yet.').waitFor();
  });

  test('pays an order, which becomes balance and stands in the statement', async () => {
    await openView(page, 'Orders');
    await page.getByText('No orders yet.').waitFor();
    await page.getByRole('button', { name: 'New order' }).click();
    await page.getByLabel('Amount (CNY)').fill('12.5');
    await page.getByRole('dialog').getByRole('button', { name: 'New order' }).click();
    await page.getByText('Waiting for payment').waitFor();
    await page.getByRole('button', { name: /^Pay:/ }).click();
    await page.getByText('Paid', { exact: true }).waitFor();
    await openView(page, 'Statements');
    await page.getByTestId('topUps').getByText('¥12.50').waitFor();
    assert.equal(await page.getByTestId('closing').textContent(), '¥17.50');
  });

  test('finds the other views empty, and none of the administration', async () => {
    await openView(page, 'Jobs');
    await page.getByText('No jobs yet.').waitFor();
    await openView(page, 'Calls');
    await page.getByText('No calls found.').waitFor();
    await openView(page, 'Profile');
    assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0);
    for (const path of ['admin', 'providers', 'catalog', 'users']) {
      await page.goto(`${url()}console/${path}`);
      await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    }
    await page.goto(`${url()}console/profile`);
  });

  test('reads the prices of the models, in Chinese too', async () => {
    await openView(page, 'Models and prices');
    await page.getByText('sim-chat', { exact: true }).waitFor();
    await page.getByRole('row', { name: 'sim-speech' }).getByText('¥').first().waitFor();
    await page.getByRole('row', { name: 'sim-transcribe' }).getByText('¥').first().waitFor();
    await page.getByRole('button', { name: 'Language and colours' }).click();
    await page.getByRole('menuitem', { name: '中文' }).click();
    await page.getByRole('heading', { name: '模型与价格' }).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  });
});

describe('a new user who calls models', () => {
  let page: Page;

  test('signs up, pays an order and makes a key', async () => {
    page = await browser.open(url());
    await page.getByRole('button', { name: 'I am new here' }).click();
    await page.getByLabel('User name').fill('bea');
    await page.getByRole('textbox', { name: 'Password' }).fill('a-long-password');
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await openView(page, 'Orders');
    await page.getByRole('button', { name: 'New order' }).click();
    await page.getByLabel('Amount (CNY)').fill('12.5');
    await page.getByRole('dialog').getByRole('button', { name: 'New order' }).click();
    await page.getByRole('button', { name: /^Pay:/ }).click();
    await page.getByText('Paid', { exact: true }).waitFor();
    await page.getByRole('table', { name: 'Orders' }).getByRole('button').first().click();
    await page.getByRole('dialog', { name: 'Order' }).getByText('Paid', { exact: true }).first().waitFor();
    await look(page, 'own-order');
    await page.keyboard.press('Escape');
    await openView(page, 'Access keys');
    await page.getByRole('button', { name: 'Create a key' }).click();
    await page.getByLabel('Name').fill('laptop');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByTestId('secret').waitFor();
  });

  test('chats in the playground with the limits of the key: the answer streams, with its tokens and cost', async () => {
    await openView(page, 'Playground');
    await page.getByText('Try Simulated chat').waitFor();
    await page.getByRole('textbox', { name: 'Message' }).fill('What is an ocean?');
    await page.keyboard.press('Enter');
    const answer = page.getByTestId('answer').first();
    await answer.getByText(/tokens in, .* out/).waitFor();
    assert.match((await answer.textContent()) ?? '', /You wrote "What is an ocean\?"/);
    assert.match((await answer.getByTestId('facts').textContent()) ?? '', /¥0\.000\d+/);
    await look(page, 'playground-answer');
  });

  test('reads a table as a table; a picture of another host is a link, and HTML is text', async () => {
    const send = async (said: string, place: number) => {
      await page.getByRole('textbox', { name: 'Message' }).fill(said);
      await page.getByRole('button', { name: 'Send' }).click();
      const answer = page.getByTestId('answer').nth(place);
      await answer.getByTestId('facts').waitFor();
      return answer;
    };
    const table = await send('Compare them in a table', 1);
    await table.getByRole('cell', { name: 'in tokens' }).waitFor();
    const link = await send('![map](https://elsewhere.example/a.png) <b id=inside>b</b>', 2);
    assert.equal(await link.getByRole('link').count(), 1);
    await link.getByRole('link', { name: 'map' }).waitFor();
    await link.getByText('<b id=inside>b</b>').waitFor();
    assert.deepEqual([await link.locator('img').count(), await link.locator('#inside').count()], [0, 0]);
    await look(page, 'playground-markdown');
  });

  test('looks at other views while an answer comes, which is there when the playground is opened again', async () => {
    const { url: simulator } = product.simulator;
    const slow = JSON.stringify({ fault: 'slow-chunks', value: 300, model: 'sim-chat' });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${simulator}/control/faults`, { method: 'POST', headers, body: slow });
    await page.getByRole('textbox', { name: 'Message' }).fill('Something to wait for');
    await page.getByRole('button', { name: 'Send' }).click();
    const answer = page.getByTestId('answer').nth(3);
    await answer.getByText('You wrote').waitFor();
    await openView(page, 'Jobs');
    await openView(page, 'Playground');
    await page.getByTestId('answer').first().getByText('You wrote').waitFor();
    await fetch(`${simulator}/control/faults`, { method: 'DELETE' });
    await answer.getByTestId('facts').waitFor();
    assert.equal(await answer.getAttribute('data-state'), 'done');
  });

  test('stops an answer that takes long, and is shown the call of a tool', async () => {
    const { url: simulator } = product.simulator;
    const slow = JSON.stringify({ fault: 'slow-chunks', value: 500, model: 'sim-chat' });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${simulator}/control/faults`, { method: 'POST', headers, body: slow });
    await page.getByRole('textbox', { name: 'Message' }).fill('Something long');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByTestId('answer').nth(4).getByText('You wrote').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped').waitFor();
    await fetch(`${simulator}/control/faults`, { method: 'DELETE' });
    await page
      .getByTestId('stopped-cost')
      .getByText(/^¥0\.00\d+$/)
      .waitFor();
    await page.getByLabel('Tools').fill(JSON.stringify([WEATHER]));
    await page.getByRole('textbox', { name: 'Message' }).fill('call weather with {"city":"Rome"}');
    await page.getByRole('button', { name: 'Send' }).click();
    const answer = page.getByTestId('answer').nth(5);
    await answer.getByText('Calls weather').waitFor();
    await answer.getByText('{"city":"Rome"}').waitFor();
  });

  test('copies a call as code and the settings of programs, in none of which a key stands', async () => {
    await page.getByRole('button', { name: 'Code' }).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('curl -N').waitFor();
    await look(page, 'playground-code');
    for (const name of ['Python', 'Node', 'Codex', 'Cherry Studio', 'Open WebUI', 'Cline', 'AI SDK']) {
      await drawer.getByRole('tab', { name, exact: true }).click();
    }
    assert.doesNotMatch(await page.content(), /ak-\w{20}/);
    await page.keyboard.press('Escape');
  });

  test('makes a picture as a job, which is seen going on and stands among the jobs', async () => {
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('combobox', { name: 'Model' }).click();
    await page.getByRole('option', { name: 'Simulated pictures' }).click();
    await page.getByRole('switch', { name: 'As a job' }).click();
    await page.getByRole('textbox', { name: 'Message' }).fill('A lighthouse');
    await page.keyboard.press('Enter');
    const picture = page.getByTestId('answer').getByRole('img', { name: 'Picture 1 of the result' });
    // Rejects for a picture that the policy of the page does not allow.
    await picture.waitFor();
    await page.evaluate('Promise.all(Array.from(document.images, (image) => image.decode())).then(() => true)');
    await page.getByTestId('facts').getByText('¥0.20').waitFor();
    await look(page, 'playground-picture');
    await openView(page, 'Jobs');
    await page.getByRole('button', { name: /Image · sim-image/ }).click();
    await page.getByRole('dialog').getByRole('img', { name: 'Picture 1' }).waitFor();
    await look(page, 'job');
    await page.keyboard.press('Escape');
  });

  test('keeps a conversation, reads it again, renames and deletes it', async () => {
    await openView(page, 'Conversations');
    await page.getByText('No conversation has been kept yet.').waitFor();
    await openView(page, 'Playground');
    await page.getByRole('button', { name: 'New chat' }).click();
    // The choices of before have stayed.
    assert.ok(await page.getByRole('switch', { name: 'As a job' }).isChecked());
    await page.getByRole('switch', { name: 'As a job' }).click();
    await page.getByRole('combobox', { name: 'Model' }).click();
    await page.getByRole('option', { name: 'Simulated chat', exact: true }).click();
    await page.getByRole('switch', { name: 'Keep the conversation' }).click();
    await page.getByRole('textbox', { name: 'Message' }).fill('Remember the ocean');
    await page.keyboard.press('Enter');
    await page.getByTestId('facts').waitFor();
    await openView(page, 'Conversations');
    await page.getByRole('button', { name: 'Remember the ocean', exact: true }).click();
    await page
      .getByRole('dialog')
      .getByText(/^You wrote "Remember the ocean"/)
      .waitFor();
    await look(page, 'conversation');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Rename:/ }).click();
    await page.getByRole('dialog').getByLabel('Title').fill('Oceans');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Oceans', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Delete: Oceans' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No conversation has been kept yet.').waitFor();
  });

  test('reads the numbers of a chart in a table, without a mouse', async () => {
    await openView(page, 'Overview');
    await page.getByText('Show as a table').focus();
    await page.keyboard.press('Enter');
    const days = page.getByRole('table', { name: 'Spend by day' }).getByRole('row');
    await days
      .nth(1)
      .getByText(/^¥0\.20\d+$/)
      .waitFor();
    assert.equal(await days.count(), 31);
    await look(page, 'overview-table');
  });

  test('finds each call, and a statement whose lines add up', async () => {
    await openView(page, 'Calls');
    await page.getByRole('cell', { name: 'sim-image' }).waitFor();
    await page.getByRole('row', { name: 'sim-image' }).getByRole('button').click();
    const call = page.getByRole('dialog', { name: 'Call', exact: true });
    await call.getByRole('row', { name: 'Provider' }).getByText('simulator').waitFor();
    await call.getByRole('row', { name: 'Attempts' }).getByText('1').waitFor();
    await call.getByRole('row', { name: 'Access key' }).getByText('laptop').waitFor();
    await look(page, 'call');
    await call.getByRole('row', { name: 'Job' }).getByRole('link').click();
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
    await page.getByRole('dialog', { name: 'Job' }).getByRole('img', { name: 'Picture 1' }).waitFor();
    await page.goBack();
    await call.getByRole('link', { name: 'Calls with this key' }).click();
    await call.waitFor({ state: 'detached' });
    await page.getByRole('cell', { name: 'sim-image' }).waitFor();
    await page.getByRole('combobox', { name: 'Model' }).click();
    await page.getByRole('option', { name: 'sim-chat', exact: true }).click();
    await page.getByRole('cell', { name: 'sim-image' }).waitFor({ state: 'detached' });
    await page.getByRole('cell', { name: 'sim-chat' }).first().waitFor();
    await openView(page, 'Statements');
    await page.getByTestId('topUps').getByText('¥12.50').waitFor();
    const lines = await page
      .getByTestId(/^(opening|grants|topUps|adjustments|refunds|chargebacks|charges)$/)
      .allTextContents();
    const closing = await page.getByTestId('closing').textContent();
    assert.equal(sumOf(lines.map(decimalOf)), decimalOf(closing ?? ''));
    assert.equal(await page.getByTestId('grants').textContent(), '¥5.00');
    const charged = (await page.getByTestId('charges').textContent()) ?? '';
    assert.match(charged, /^-¥0\.20\d+$/);
    const charges = page.getByRole('table', { name: 'Calls by model and access key' }).getByRole('row');
    const costs = await charges.locator('td:last-child').allTextContents();
    assert.equal(sumOf(costs.map(decimalOf)), decimalOf(charged));
    await openView(page, 'Overview');
    // What is free to spend: without what a call that was stopped still reserves.
    await page
      .getByTestId('balance')
      .getByText(/^¥17\.2\d+$/)
      .waitFor();
  });

  test('deletes the key', async () => {
    await openView(page, 'Access keys');
    await page.getByRole('button', { name: 'Delete: laptop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No access keys yet.').waitFor();
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
    // Without a click: the tabs tell each other.
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('a wrong password is shown beside the form, which keeps what was written', async () => {
    const page = await browser.open(url());
    await page.getByLabel('User name').fill('ada');
    await page.getByRole('textbox', { name: 'Password' }).fill('not-the-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Wrong user name or password').waitFor();
    assert.equal(await page.getByLabel('User name').inputValue(), 'ada');
    await page.getByRole('button', { name: 'Language and colours' }).click();
    await page.getByRole('menuitem', { name: '中文' }).click();
    await page.getByRole('button', { name: '登录' }).click();
    const told = page.locator('.mantine-Notification-root').filter({ hasText: '跟踪号' });
    await told.getByText('用户名或密码错误').first().waitFor();
  });

  test('what is wrong with a form is said in the language of whoever fills it in', async () => {
    const page = await browser.open(url(), { locale: 'zh-CN' });
    await page.getByRole('button', { name: '没有账号，去注册' }).click();
    await page.getByLabel('用户名').fill('bert');
    await page.getByRole('textbox', { name: '密码' }).fill('short');
    await page.getByRole('button', { name: '注册' }).click();
    await page.getByText('密码：至少需要 6 个字符').waitFor();
    await page.locator('form').getByText('至少需要 6 个字符').waitFor();
    await takePicture(page, 'sign-up-chinese-failed');
  });
});

describe('a model administrator', () => {
  test('has the views of models and providers, and nothing of users, money and jobs', async () => {
    const name = 'grace';
    const root = await call(product.apis[0], 'POST', '/v1/auth/login', {
      body: { username: 'root', password: product.rootPassword },
    });
    const { token } = z.object({ token: z.string() }).parse(root.data);
    const body = { username: name, password: 'a-long-password', role: 'ROLE_MODEL_ADMIN' };
    assert.equal((await call(product.apis[0], 'POST', '/v1/users', { token, body })).status, 200);
    const page = await browser.open(url());
    await signIn(page, name, 'a-long-password');
    await openView(page, 'Gateway');
    await page.getByText('Everything works').waitFor();
    for (const view of ['Providers', 'Models']) {
      await openView(page, view);
      assert.equal(await page.getByRole('alert').count(), 0, view);
    }
    for (const hidden of ['Users', 'Keys of all users']) {
      assert.equal(await page.getByRole('link', { name: hidden, exact: true }).count(), 0, hidden);
    }
    await openView(page, 'Gateway');
    for (const hidden of ['Balance of all accounts', 'Money by day', 'Check now']) {
      assert.equal(await page.getByText(hidden).count(), 0, hidden);
    }
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
    await drawer.getByLabel('Adjust the balance').fill('0.000000001');
    await drawer.getByLabel('Reason').fill('a gift');
    await drawer.getByRole('button', { name: 'Change the balance' }).click();
    const question = page.getByRole('dialog', { name: 'Change the balance' });
    await question.getByRole('row', { name: 'Balance after' }).getByText('¥17.500000001').waitFor();
    await look(page, 'balance-question');
    await question.getByRole('button', { name: 'Add ¥0.000000001' }).click();
    await question.waitFor({ state: 'detached' });
    await drawer.getByText('¥17.500000001').waitFor();
    await drawer.getByLabel('Adjust the balance').fill('-17.6');
    await drawer.getByLabel('Reason').fill('too much');
    await drawer.getByRole('button', { name: 'Change the balance' }).click();
    await question.getByText('it cannot fall below zero').waitFor();
    assert.ok(await question.getByRole('button', { name: 'Take ¥17.60' }).isDisabled());
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    await look(page, 'user');
    for (const name of ['Calls', 'Access keys', 'Jobs', 'Orders', 'Ledger']) {
      await drawer.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name: new RegExp(name.replace('Access k', 'K')), level: 1 }).waitFor();
      const user = page.getByRole('combobox', { name: 'User', exact: true });
      await until(`the ${name} of ada`, async () => (await user.inputValue()) === 'ada');
      await page.goBack();
    }
    await page.keyboard.press('Escape');
  });

  test('gives a user another role and a link, with which the user sets a password', async () => {
    const { name } = await newCustomer(product.apis[0]);
    await page.getByLabel('Name, email address or id').fill(name);
    await page.getByRole('button', { name, exact: true }).click();
    const drawer = page.getByRole('dialog', { name: 'User', exact: true });
    const confirm = async (label: string) => {
      await drawer.getByRole('button', { name: label }).click();
      await page.getByRole('dialog', { name: label }).getByRole('button', { name: label }).click();
    };
    await drawer.getByRole('combobox', { name: 'Role' }).click();
    await page.getByRole('option', { name: 'Model administrator' }).click();
    await confirm('Change the role');
    await drawer.getByText(/ · Model administrator · /).waitFor();
    await confirm('Link for a new password');
    const link = (await drawer.getByTestId('secret').textContent()) ?? '';
    assert.match(link, /\/console\/reset#./);
    const other = await browser.open(new URL(new URL(link).pathname, url()).href + new URL(link).hash);
    await other.getByLabel('New password').fill('another-password');
    await look(other, 'reset');
    await other.getByRole('button', { name: 'Save' }).click();
    await other.getByText('Your new password is set.').waitFor();
    await other.getByRole('link', { name: 'Sign in' }).click();
    await signIn(other, name, 'another-password');
    await other.context().close();
    await page.keyboard.press('Escape');
  });

  test('is shown a view in spite of what stands in its address', async () => {
    for (const [path, heading] of [
      ['/calls?from=x&until=2026-02-30&outcome=maybe', 'Calls'],
      ['/spend?from=x&until=x&by=x', 'Spend'],
      ['/audit?from=x', 'Audit log'],
      ['/users?user=abc', 'Users'],
      ['/all-orders?userId=abc', 'Orders of all users'],
      ['/all-keys?userId=1&mask=no-mask', 'Keys of all users'],
    ] as const) {
      await goTo(page, path);
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
      await page.getByRole('main').locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      assert.equal(await page.getByRole('alert').count(), 0, path);
      assert.equal(await page.getByRole('dialog').count(), 0, path);
    }
  });

  test('sees which filter is refused, and why, by the name that the filter has', async () => {
    await goTo(page, '/spend?from=2024-01-01&until=2026-01-01');
    await page.getByText('From: must be at most 366 days before “Until”').waitFor();
    await goTo(page, '/spend?from=2026-01-02&until=2026-01-01');
    await page.getByText('From: must not be after “Until”').waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Until' }).click();
    const days = page.getByRole('table').getByRole('button', { name: /January 2026$/ });
    await days.first().waitFor();
    assert.equal(await days.and(page.locator('[data-disabled=true]')).count(), 1, 'none before the first day');
    await page.keyboard.press('Escape');
  });

  test('finds whose a leaked key is and revokes it', async () => {
    const leaked = await newCustomer(product.apis[0], { name: 'leaked' });
    await openView(page, 'Keys of all users');
    await page.getByLabel('Key to look up').fill(leaked.key);
    await page.getByRole('button', { name: 'Find its owner' }).click();
    const dialog = page.getByRole('dialog', { name: 'Key found' });
    await dialog.getByText(leaked.name).waitFor();
    await dialog.getByRole('button', { name: 'Revoke: leaked' }).click();
    await page.getByRole('dialog', { name: 'Revoke', exact: true }).getByRole('button', { name: 'Revoke' }).click();
    await dialog.getByText('Revoked').waitFor();
    await page.keyboard.press('Escape');
    assert.equal((await call(product.apis[0], 'GET', '/v1/async/jobs', { key: leaked.key })).status, 401);
  });

  test('looks at the calls of one of all users, by name, and at what that user spent', async () => {
    await openView(page, 'Calls of all users');
    const choose = async (field: string, option: string) => {
      await page.getByRole('combobox', { name: field, exact: true }).fill(option);
      await page.getByRole('option', { name: option }).first().click();
    };
    await choose('User', 'ada');
    await page.getByText('No calls found.').waitFor();
    await choose('User', 'bea');
    await page.getByRole('cell', { name: 'sim-image' }).waitFor();
    await choose('Access key', 'laptop');
    await choose('Provider', 'simulator');
    await choose('Provider key', 'simulator');
    await choose('Model', 'sim-image');
    await page.getByRole('cell', { name: 'sim-chat' }).first().waitFor({ state: 'detached' });
    assert.deepEqual([...new URL(page.url()).searchParams.keys()].sort(), [
      'accessKeyId',
      'modelId',
      'providerKeyId',
      'providerName',
      'userId',
    ]);
    await page.getByRole('row', { name: 'sim-image' }).getByRole('button').click();
    const opened = page.getByRole('dialog', { name: 'Call', exact: true });
    await opened.getByRole('row', { name: 'Access key' }).getByText('laptop').waitFor();
    await opened.getByRole('row', { name: 'Provider key' }).getByText('sk-…').waitFor();
    await look(page, 'any-call');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Usage in doubt' }).click();
    await page.getByRole('option', { name: 'Missing' }).click();
    await page.getByText('No calls found.').waitFor();
    const refused = await call(product.apis[0], 'POST', '/v1/chat', {
      key: (await newCustomer(product.apis[0])).key,
      body: { userMessage: 'hello', modelIdentifier: 'no-such-model' },
    });
    const trace = refused.headers.get('x-trace-id') ?? assert.fail('no trace id');
    await goTo(page, `/look-up?id=${trace}`);
    // It is written a moment after its answer.
    await page.getByRole('heading', { name: 'Look up', level: 1 }).waitFor();
    const event = page.getByRole('link', { name: 'Call of no-such-model, refused before a provider was asked' });
    await until('the refused call is in the log', async () => {
      if ((await event.count()) > 0) return true;
      await page.reload();
      await page.getByText('Nothing found for this id').or(event).first().waitFor();
      return false;
    });
    await event.click();
    await opened.getByRole('row', { name: 'Status' }).getByText('Refused').waitFor();
    await opened.getByRole('row', { name: 'Error' }).getByText('there is no model no-such-model').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'Refused' }).click();
    await page.getByRole('cell', { name: 'no-such-model' }).first().waitFor();
    await look(page, 'refused-calls');
    await openView(page, 'Spend');
    await choose('User', 'ada');
    await page.getByText('No calls in this period.').waitFor();
    await choose('User', 'bea');
    await page.getByRole('cell', { name: 'bea' }).waitFor();
    await goTo(page, '/spend?by=accessKey');
    const key = page.getByRole('row', { name: 'laptop' });
    await key.getByRole('link', { name: 'bea' }).waitFor();
    await key.getByRole('link', { name: 'Calls with this key' }).click();
    await page.getByRole('heading', { name: 'Calls of all users', level: 1 }).waitFor();
    await page.getByRole('cell', { name: 'sim-image' }).waitFor();
    assert.match(await page.getByRole('combobox', { name: 'Access key', exact: true }).inputValue(), /^laptop · ak-/);
    await page.goBack();
    await key.getByRole('link', { name: /^ak-/ }).click();
    await page.getByRole('heading', { name: 'Keys of all users', level: 1 }).waitFor();
    // Its owner has deleted it.
    const found = page.getByRole('table', { name: 'Keys of all users' });
    await found.getByText('Deleted or revoked').waitFor();
    await page.getByRole('switch', { name: 'Deleted and revoked keys, too' }).click();
    await found.getByText('Deleted or revoked').waitFor({ state: 'detached' });
    await openView(page, 'Overview');
    await page.getByTestId('spent').getByText('¥0.00', { exact: true }).waitFor();
  });

  test('reads the settings in force, but no secret', async () => {
    await openView(page, 'Settings');
    await page.getByRole('row', { name: 'JWT_SECRET' }).getByText('Never shown').waitFor();
    await page.getByRole('row', { name: 'REGISTRATION_GRANT' }).getByText('Set').waitFor();
    const text = (await page.getByRole('main').textContent()) ?? '';
    for (const name of ['JWT_SECRET', 'PAYMENT_SECRET', 'ROOT_PASSWORD']) {
      assert.equal(text.includes(product.environment[name] ?? assert.fail(name)), false, name);
    }
  });

  test('goes from a preset with a key to a call through it, whose price is changed', async () => {
    await openView(page, 'Providers');
    await page.getByRole('button', { name: 'Add a provider' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a provider' });
    await dialog.getByRole('button', { name: /^DeepSeek/ }).waitFor();
    await look(page, 'provider-presets');
    await dialog.getByRole('button', { name: /^DeepSeek/ }).click();
    await dialog.getByLabel('Key of the vendor').fill('sim-console-0001');
    // The vendor's own address leads out of the test.
    await dialog.getByLabel('Address').fill(`${product.simulator.url}/deepseek`);
    await look(page, 'provider-preset');
    await dialog.getByRole('button', { name: 'Add and test' }).click();
    await dialog.getByText('2 models added').waitFor();
    await dialog.getByText('It works').waitFor();
    await look(page, 'provider-added');
    await dialog.getByRole('button', { name: 'Open the provider' }).click();
    const drawer = page.getByRole('dialog', { name: 'Provider' });
    await drawer.getByText('sk-…0001').waitFor();
    await look(page, 'provider');
    await page.keyboard.press('Escape');
    const caller = await newCustomer(product.apis[0]);
    const answer = await call(product.apis[0], 'POST', '/v1/chat', {
      key: caller.key,
      body: { userMessage: 'hello', modelIdentifier: 'deepseek-v4-pro' },
    });
    assert.equal(answer.status, 200, answer.message);
    await openView(page, 'Models');
    await page.getByLabel('Name or identifier').fill('v4-PRO');
    await page.getByRole('button', { name: 'DeepSeek V4 Pro' }).click();
    const model = page.getByRole('dialog', { name: 'Model', exact: true });
    await model.getByText('Version 1').waitFor();
    await model.getByRole('button', { name: 'Test with a real call' }).click();
    await model.getByText('It works').waitFor();
    await look(page, 'catalog-model');
    await model.getByRole('button', { name: 'Edit' }).click();
    const form = page.getByRole('dialog', { name: 'Change the model' });
    await form.getByLabel('Output').first().fill('27,5');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('An amount such as 2.50').waitFor();
    await form.getByLabel('Output').first().fill('27.000000001');
    await look(page, 'model-form');
    await form.getByRole('button', { name: 'Save' }).click();
    await model.getByText('Version 2').waitFor();
    await model.getByText('¥27.000000001').first().waitFor();
  });

  test('and what another administrator has saved meanwhile is not taken back by a form', async () => {
    const model = page.getByRole('dialog', { name: 'Model', exact: true });
    const form = page.getByRole('dialog', { name: 'Change the model' });
    const id = new URL(page.url()).searchParams.get('id');
    const token = await rootToken(product);
    const reprice = async (input: string) => {
      const body = { pricing: { input, output: '0.000008' } };
      assert.equal((await call(product.apis[0], 'PUT', `/v1/models/${id}`, { token, body })).status, 200);
    };
    await model.getByRole('button', { name: 'Edit' }).click();
    await form.getByLabel('Display name').fill('DeepSeek V4 Pro EU');
    await reprice('0.000003');
    await form.getByRole('button', { name: 'Save' }).click();
    await model.getByRole('heading', { name: 'DeepSeek V4 Pro EU' }).waitFor();
    await model.getByText('Version 3').waitFor();
    await model.getByText('¥3.00').first().waitFor();
    await model.getByRole('button', { name: 'Edit' }).click();
    await form.getByLabel('Output').first().fill('9');
    await reprice('0.000005');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('the price was changed by somebody else').waitFor();
    await look(page, 'model-form-conflict');
    await page.reload();
    await model.getByRole('button', { name: 'Edit' }).click();
    await form.getByRole('combobox', { name: 'Capabilities' }).click({ force: true });
    await page.getByRole('option', { name: 'Makes images' }).click();
    await page.getByRole('option', { name: 'Text', exact: true }).click();
    assert.equal(
      await form
        .getByLabel(/^Image/)
        .first()
        .inputValue(),
      '',
      'no price of tokens',
    );
    await page.reload();
    await model.getByText('Version 4').waitFor();
    await model.getByText('¥5.00').first().waitFor();
    await page.keyboard.press('Escape');
    await openView(page, 'Audit log');
    const [newest] = await page.getByRole('row', { name: 'models.update' }).all();
    await newest?.getByText('Input, a million tokens').waitFor();
    await newest?.getByText('¥3.00 →').waitFor();
  });

  test('sees a circuit open while it looks, and closes it by a test of the key', async () => {
    await openView(page, 'Gateway');
    await page.getByText('Everything works').waitFor();
    await page.getByText('All provider keys are working.').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    const caller = await newCustomer(product.apis[0]);
    const chat = () =>
      call(product.apis[0], 'POST', '/v1/chat', {
        key: caller.key,
        body: { userMessage: 'hello', modelIdentifier: 'sim-chat' },
      });
    assert.equal((await chat()).status, 200);
    await page.getByRole('table', { name: 'Last calls' }).getByText(caller.name).first().waitFor();
    const fault = { fault: '429', value: 300, model: 'sim-chat' };
    await fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(fault) });
    assert.notEqual((await chat()).status, 200);
    await page.getByText(/^Rate limit ·/).waitFor();
    await look(page, 'gateway');
    await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
    await page.getByRole('link', { name: 'Open the provider' }).click();
    const drawer = page.getByRole('dialog', { name: 'Provider' });
    await drawer.getByText(/^Rate limit ·/).waitFor();
    await look(page, 'provider-open-circuit');
    await drawer.getByRole('button', { name: 'Test', exact: true }).click();
    await drawer.getByText('It works').waitFor();
    await drawer.getByText(/^Rate limit ·/).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    assert.equal((await chat()).status, 200);
  });

  test('refunds a part of an order, knowing what becomes of the balance', async () => {
    await openView(page, 'Orders of all users');
    await page.getByRole('row', { name: 'ada' }).getByRole('button').click();
    const drawer = page.getByRole('dialog', { name: 'Order', exact: true });
    await drawer.getByText('Credited', { exact: true }).waitFor();
    await drawer.getByText('A part').click();
    await drawer.getByLabel('Amount').fill('12.500000001');
    await drawer.getByLabel('Reason').fill('asked for');
    await drawer.getByRole('button', { name: 'Check the refund' }).click();
    await drawer.getByText('At most ¥12.50').waitFor();
    await drawer.getByLabel('Amount').fill('2.5');
    await drawer.getByRole('button', { name: 'Check the refund' }).click();
    const question = page.getByRole('dialog', { name: 'Refund', exact: true });
    await question.getByText('¥2.50 of this order is taken out of the balance of ada.').waitFor();
    await question.getByRole('row', { name: 'Balance now' }).getByText('¥17.500000001').waitFor();
    await question.getByRole('row', { name: 'Balance after' }).getByText('¥15.000000001').waitFor();
    await look(page, 'refund');
    await question.getByRole('button', { name: 'Refund ¥2.50' }).dblclick();
    await question.waitFor({ state: 'detached' });
    await drawer.getByText('¥10.00').waitFor();
    assert.equal(await page.locator('.mantine-Notification-root').count(), 0, 'the second click sends nothing');
    await look(page, 'order');
    await page.goBack();
    await drawer.waitFor({ state: 'detached' });
  });

  test('finds the refund in the ledger, in the audit log and by the number of its order', async () => {
    const [order] = await product.rows("SELECT order_no, user_id FROM orders WHERE status='COMPLETED'");
    await openView(page, 'Ledger');
    await page.getByPlaceholder('Choose a user').fill('ada');
    await page.getByRole('option', { name: 'ada', exact: true }).click();
    await page.getByRole('row', { name: 'Refund' }).getByText('-¥2.50').waitFor();
    await page.getByText('¥15.000000001').waitFor();
    for (const [tab, empty] of [
      ['Reservations', 'No reservations.'],
      ['Leases', 'No leases.'],
    ] as const) {
      await page.getByRole('tab', { name: tab }).click();
      await page.getByText(empty).waitFor();
    }
    await openView(page, 'Audit log');
    await page.getByRole('row', { name: 'Order refunded' }).getByText('¥2.50').last().waitFor();
    await openView(page, 'Look up');
    await page.getByLabel('Trace, request, job, batch, order or workflow id').fill('no id at all');
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText('An id has at most 64 letters').waitFor();
    await page.getByLabel('Trace, request, job, batch, order or workflow id').fill('nothing-has-this-id');
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText('Nothing found for this id.').waitFor();
    const workflow = `order/user-${order?.user_id}/${order?.order_no}`;
    await page.getByLabel('Trace, request, job, batch, order or workflow id').fill(workflow);
    await page.getByRole('button', { name: 'Look up' }).click();
    for (const event of ['Order created', 'Order paid', 'Order refunded'])
      await page.getByText(event).first().waitFor();
  });

  test('refunds what is left of the order, which is refunded then and no longer paid', async () => {
    await openView(page, 'Orders of all users');
    const row = page.getByRole('row', { name: 'ada' });
    await row.getByText('Paid', { exact: true }).waitFor();
    await row.getByRole('button').click();
    const drawer = page.getByRole('dialog', { name: 'Order', exact: true });
    await drawer.getByText('All that is left').click();
    await drawer.getByLabel('Reason').fill('all of it');
    await drawer.getByRole('button', { name: 'Check the refund' }).click();
    await page
      .getByRole('dialog', { name: 'Refund', exact: true })
      .getByRole('button', { name: 'Refund ¥10.00' })
      .click();
    await drawer.getByRole('row', { name: 'Status' }).getByText('Refunded').waitFor();
    await page.goBack();
    await drawer.waitFor({ state: 'detached' });
    await row.getByText('Refunded', { exact: true }).waitFor();
  });

  test('has the ledger checked, and it is right', async () => {
    await openView(page, 'Reconciliation');
    const checked = page.waitForResponse(
      (answer) => answer.request().method() === 'POST' && answer.url().endsWith('/v1/admin/reconciliations'),
    );
    await page.getByRole('button', { name: 'Check now' }).click();
    assert.equal((await checked).status(), 200);
    await page.getByTestId('check').getByText('The books balance').waitFor();
  });

  test('and nobody is refused anything by the policy of the pages, or asks another host', () => {
    browser.assertQuiet();
  });
});

describe('two tabs of one browser', () => {
  test('sign in and out together: neither shows one user while the cookie is of another', async () => {
    const page = await browser.open(url());
    await signIn(page, 'ada', 'a-long-password');
    const other = await page.context().newPage();
    await other.goto(url());
    await other.getByRole('button', { name: 'ada', exact: true }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in', level: 1 }).waitFor();
    await signIn(other, 'bea', 'a-long-password');
    await page.getByRole('button', { name: 'bea', exact: true }).waitFor();
    assert.equal(await page.getByText('ada', { exact: true }).count(), 0);
    await page.context().close();
  });
});

describe('roles', () => {
  const SEES = { ALL: 0, ADMINISTRATORS: 1, ROOT: 2 } as const;
  const ROLES = ['ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] as const;

  test('nobody sees a view, whatever the address', async () => {
    const page = await browser.open(url());
    for (const { path } of VIEWS) {
      await goTo(page, path);
      await page.getByRole('heading', { name: 'Sign in', level: 1 }).waitFor();
    }
    await page.context().close();
  });

  for (const [rank, role] of ROLES.entries()) {
    test(`${role} sees its views; at the address of another there is nothing`, async () => {
      const login = { username: 'root', password: product.rootPassword };
      const signedIn = await call(product.apis[0], 'POST', '/v1/auth/login', { body: login });
      const { token } = z.object({ token: z.string() }).parse(signedIn.data);
      const person = { username: `with-${role}`, password: `password-of-${role}` };
      const body = { ...person, role, balance: 0 };
      assert.equal((await call(product.apis[0], 'POST', '/v1/users', { token, body })).status, 200);
      const page = await browser.open(url());
      await signIn(page, person.username, person.password);
      for (const { path, roles } of VIEWS) {
        const isSeen = rank >= (Object.entries(SEES).find(([name]) => name === roles)?.[1] ?? assert.fail(roles));
        // Between two views is one that there is not, so that what is seen is not the view before.
        await goTo(page, '/no-such-view');
        const nothing = page.getByRole('heading', { name: 'There is nothing at this address' });
        await nothing.waitFor();
        await goTo(page, path);
        if (isSeen) await nothing.waitFor({ state: 'detached' });
        const heading = page.getByRole('heading', { level: 1 });
        await heading.waitFor();
        assert.equal((await heading.textContent()) !== 'There is nothing at this address', isSeen, `${role} ${path}`);
        assert.equal(
          (await page
            .getByRole('navigation')
            .locator(`a[href="/console${path === '/' ? '' : path}"]`)
            .count()) > 0,
          isSeen,
          path,
        );
      }
      await page.context().close();
    });
  }
});
