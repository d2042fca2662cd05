/**
 * Every view of the console: while it loads, when it fails, full and when there is nothing. In full runs
 * (`npm test -- --full`) in dark and in Chinese, too, with hostile data, and pictures are made of all.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { z } from 'zod';
import { MONEY_FIELDS } from '../../console/src/api/generated/money-fields.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import type { Product } from '../e2e/product.ts';
import {
  assertAccessible,
  assertAccessibleInChinese,
  assertAccessibleInDark,
  assertFitsPhone,
  assertTablesFit,
  type ConsoleBrowser,
  goTo,
  onPhone,
  PHONE,
  signIn,
  takePicture,
} from './browser.ts';
import { type Seeded, seed } from './seed.ts';
import { start } from './started.ts';
import { VIEWS } from './views.ts';

/** What each view says when there is nothing. */
const EMPTY: Readonly<Record<string, string>> = {
  '/': 'No calls in this period.',
  '/playground': 'No models are online.',
  '/keys': 'No access keys yet.',
  '/conversations': 'No conversation has been kept yet.',
  '/jobs': 'No jobs yet.',
  '/orders': 'No orders yet.',
  '/calls': 'No calls found.',
  '/statements': 'No payments or refunds this month.',
  '/models': 'No models are online.',
  '/profile': 'Change the password',
  '/admin': 'All provider keys are working.',
  '/providers': 'No providers yet.',
  '/catalog': 'No models found.',
  '/users': 'No users found.',
  '/all-keys': 'No keys found.',
  '/all-calls': 'No calls found.',
  '/spend': 'No calls in this period.',
  '/look-up': 'Nothing found for this id.',
  '/all-jobs': 'No jobs found.',
  '/all-orders': 'No orders found.',
  '/ledger': 'No transfers.',
  '/reconciliations': 'No checks yet.',
  '/all-webhooks': 'No deliveries found.',
  '/audit': 'No changes found.',
  '/settings': 'No settings found.',
};

/** Who is signed in is no part of a view. */
const OF_THE_SHELL = /\/v1\/auth\/|\/v1\/admin\/feed/;

const LONG = 'W'.repeat(200);
const HOSTILE_NAMES = [
  LONG,
  '<img src=x onerror="document.title=1"><b id="injected">bold</b>',
  'مرحبا بالعالم 👩‍👩‍👧‍👦 \u202Ereversed\u202C',
  'zero\u200Bwidth\u200D\uFEFF and/with/slashes/of/a/model-name:free',
];
const NAMES = new Set([
  ...['username', 'name', 'displayName', 'modelIdentifier', 'modelName', 'lastModelIdentifier', 'providerName'],
  ...['accessKeyName', 'title', 'lastMessageSummary', 'note', 'reason', 'tag', 'errorText', 'errorMessage'],
  ...['lastError', 'url', 'urlBase', 'email', 'targetId', 'actorName', 'upstreamModel', 'content', 'value'],
]);
const HOSTILE_AMOUNT = '123456789012.123456789';

/** The same answer with names as nobody should choose them, and amounts that are as long as they get. */
function hostile(value: unknown, names: { next: number }): unknown {
  if (Array.isArray(value)) return value.map((one) => hostile(one, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, one]) => {
      if (NAMES.has(field) && typeof one === 'string') {
        names.next += 1;
        // Each is another, as the names of models and users are.
        return [field, `${HOSTILE_NAMES[names.next % HOSTILE_NAMES.length]}${names.next}`];
      }
      if (MONEY_FIELDS.has(field) && (typeof one === 'number' || typeof one === 'string'))
        return [field, HOSTILE_AMOUNT];
      return [field, hostile(one, names)];
    }),
  );
}

const MANY = 10_000;
/** A table of all of them would have ten times as many. */
const MOST_ELEMENTS = 5_000;

const enveloped = z.looseObject({ data: z.looseObject({}) });

/** A statement with as many payments as one month may have. */
function withManyEntries(answer: unknown): unknown {
  const { data, ...envelope } = enveloped.parse(answer);
  const common = { kind: 'top_up', amount: '0.01', createdAt: '2026-11-01T00:00:00+08:00' };
  const entries = Array.from({ length: MANY }, (_, id) => ({ ...common, id: `${id}`, note: `payment ${id}` }));
  return { ...envelope, data: { ...data, entries } };
}

/** The same answer without what it lists. */
function empty(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, one]) => {
      if (typeof one === 'number' && (field === 'total' || field === 'pages')) return [field, 0];
      return [field, field === 'next' ? null : empty(one)];
    }),
  );
}

let product: Product;
let browser: ConsoleBrowser;
let seeded: Seeded;

/** With what some views are asked for. */
function withQuestion(path: string, id = seeded.jobId): string {
  const asked: Record<string, string> = { '/look-up': `?id=${id}`, '/ledger': `?userId=${seeded.rootId}` };
  return `${path}${asked[path] ?? ''}`;
}

function addressOf(path: string): string {
  return `${product.apis[0]?.url}/console${withQuestion(path)}`;
}

async function signedIn(): Promise<Page> {
  const page = await browser.open(`${product.apis[0]?.url}/console`);
  await signIn(page, 'root', product.rootPassword);
  return page;
}

const LOADING = '[aria-busy=true], [role=status][aria-label], .mantine-Skeleton-root';

async function assertLoaded(page: Page, path: string): Promise<void> {
  const main = page.getByRole('main');
  // A view that breaks has no heading.
  await main.getByRole('heading', { level: 1 }).or(main.getByRole('alert')).first().waitFor();
  await main.locator(LOADING).first().waitFor({ state: 'detached' });
  assert.equal(await main.getByRole('alert').count(), 0, `${path} shows an error`);
}

/** `answer` takes the place of the API for this view, until the returned function is called. */
async function answerWith(page: Page, answer: (route: Route) => Promise<void>): Promise<() => Promise<void>> {
  const ofViews = (url: URL) => /^\/(v1|readyz)/.test(url.pathname) && !OF_THE_SHELL.test(url.pathname);
  const handler = (route: Route) => answer(route).catch(() => undefined);
  await page.route(ofViews, handler);
  return () => page.unroute(ofViews, handler);
}

const FAILED = { code: 418_001, message: 'a failure made for this test', data: null, traceId: 'a'.repeat(32) };

async function changed(route: Route, change: (data: unknown) => unknown): Promise<void> {
  const response = await route.fetch();
  if (!response.headers()['content-type']?.startsWith('application/json')) return route.fulfill({ response });
  const json: unknown = await response.json();
  await route.fulfill({ response, json: change(json) });
}

describe('every view', () => {
  let page: Page;
  before(async () => {
    const { receiver, ...started } = await start();
    ({ browser, product } = started);
    seeded = await seed(product, `http://127.0.0.1:${receiver.port}/ends`);
    page = await signedIn();
  });
  after(() => page.context().close());

  test('is in the list of what empty views say', () => {
    assert.deepEqual(VIEWS.map(({ path }) => path).toSorted(), Object.keys(EMPTY).toSorted());
  });

  for (const { path } of VIEWS) {
    const name = path === '/' ? 'overview' : path.slice(1);

    test(`${path}: loading, failed and tried again, full, on a phone`, async () => {
      await page.unrouteAll();
      const held = Promise.withResolvers<void>();
      const answerAgain = await answerWith(page, async (route) => {
        await held.promise;
        await route.fulfill({ status: 418, json: FAILED });
      });
      await page.goto(addressOf(path));
      const main = page.getByRole('main');
      // Has nothing to wait for.
      if (path === '/profile') held.resolve();
      else {
        await main.locator(LOADING).first().waitFor();
        await takePicture(page, `${name}-loading`);
        held.resolve();
        const failed = main.getByRole('alert').filter({ hasText: FAILED.message });
        await failed.first().waitFor();
        await main.locator(LOADING).first().waitFor({ state: 'detached' });
        await takePicture(page, `${name}-failed`);
        await answerAgain();
        // One click for all that has failed.
        await failed.first().getByRole('button', { name: 'Try again' }).click();
        await failed.first().waitFor({ state: 'detached' });
      }
      await assertLoaded(page, path);
      await assertAccessible(page, name);
      if (isFullChaos()) {
        await assertAccessibleInDark(page, name);
        await assertAccessibleInChinese(page, name);
      }
      await assertTablesFit(page, name);
      await onPhone(page, name);
    });
  }

  test('/statements: of ten thousand lines a page is in the document, and the last is two clicks away', async () => {
    const isStatement = /\/v1\/.*statement/;
    await page.route(isStatement, (route) => changed(route, withManyEntries));
    await page.goto(addressOf('/statements'));
    const lines = page.getByRole('table', { name: 'Other movements' });
    await page.getByText('10,000 rows').waitFor();
    const elements = z.number().parse(await page.evaluate('document.querySelectorAll("*").length'));
    assert.ok(elements < MOST_ELEMENTS, `${elements} elements`);
    await page.getByRole('button', { name: 'Page 50' }).click();
    await lines.getByText(`payment ${MANY - 1}`, { exact: true }).waitFor();
    assert.equal(await lines.getByText('payment 0', { exact: true }).count(), 0);
    await page.unroute(isStatement);
  });

  test('and none complains, or asks another host', () => {
    browser.assertQuiet();
  });
});

describe('every view on a phone', () => {
  let page: Page;
  before(async () => {
    page = await signedIn();
    await page.setViewportSize(PHONE);
    await answerWith(page, (route) => changed(route, empty));
    // What was answered before is forgotten.
    await page.goto(addressOf('/profile'));
  });
  after(() => page.context().close());

  for (const [path, text] of Object.entries(EMPTY)) {
    const name = path === '/' ? 'overview' : path.slice(1);

    test(`${path}: with nothing`, async () => {
      await goTo(page, withQuestion(path, 'nothing-has-this-id'));
      await page.getByRole('main').getByText(text).first().waitFor();
      await assertLoaded(page, path);
      await takePicture(page, `${name}-empty`);
      await assertFitsPhone(page, `${name}, empty`);
    });
  }

  test('and none complains', () => {
    browser.assertQuiet();
  });
});

// Slow, and about data alone.
if (isFullChaos()) {
  describe('every view on a phone with names and amounts as nobody should choose them', () => {
    let page: Page;
    before(async () => {
      page = await signedIn();
      await page.setViewportSize(PHONE);
      const names = { next: 0 };
      await answerWith(page, (route) => changed(route, (data) => hostile(data, names)));
    });
    after(() => page.context().close());

    for (const { path } of VIEWS) {
      const name = path === '/' ? 'overview' : path.slice(1);

      test(path, async () => {
        await page.goto(addressOf(path));
        await assertLoaded(page, path);
        assert.equal(await page.locator('#injected, img[src=x]').count(), 0, `${path} takes names for HTML`);
        await takePicture(page, `${name}-hostile`);
        await assertFitsPhone(page, `${name}, hostile`);
      });
    }

    test('and none complains', () => {
      browser.assertQuiet();
    });
  });
}
