/** The console without a pointer: everything is reached by Tab, is seen to have the focus, and gives it back. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { newCustomer, type Product } from '../e2e/product.ts';
import { until } from '../until.ts';
import { type ConsoleBrowser, goTo } from './browser.ts';
import { start } from './started.ts';

const MOST_STEPS = 60;

let product: Product;
let browser: ConsoleBrowser;

async function hasFocus(target: Locator): Promise<boolean> {
  return (await target.and(target.page().locator(':focus')).count()) === 1;
}

/** Press by press until the target has the focus. */
async function reach(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await target.waitFor({ state: 'attached' });
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    await page.keyboard.press(key);
    if (await hasFocus(target)) return;
  }
  assert.fail(`${target} is not reached by ${MOST_STEPS} × ${key}`);
}

/** The ring that the theme draws around what a key has brought the focus to. */
async function assertFocusHasRing(page: Page): Promise<void> {
  assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid');
}

describe('by keyboard alone', () => {
  let page: Page;
  before(async () => {
    ({ product, browser } = await start());
    page = await browser.open(`${product.apis[0]?.url}/console`);
  });

  test('signs in, and goes past the menu', async () => {
    const { name } = await newCustomer(product.apis[0]);
    await reach(page, page.getByLabel('User name'));
    await page.keyboard.type(name);
    await reach(page, page.getByRole('textbox', { name: 'Password' }));
    await page.keyboard.type(`pass-${name}`);
    await page.keyboard.press('Enter');
    const heading = page.getByRole('heading', { name: 'Overview', level: 1 });
    await heading.waitFor();
    await until('the view that has come is said', () => hasFocus(heading));
    const skip = page.getByRole('link', { name: 'Skip to the view' });
    await reach(page, skip, 'Shift+Tab');
    await assertFocusHasRing(page);
    await page.keyboard.press('Enter');
    await until('the view has the focus', () => hasFocus(page.getByRole('main')));
  });

  test('makes a key in a dialog, which keeps the focus and gives it back', async () => {
    const link = page.getByRole('link', { name: 'Access keys', exact: true });
    await reach(page, link, 'Shift+Tab');
    await assertFocusHasRing(page);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Access keys', level: 1 }).waitFor();
    const create = page.getByRole('button', { name: 'Create a key' });
    await reach(page, create);
    await assertFocusHasRing(page);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    const close = dialog.getByRole('button', { name: 'Close' });
    // All the way around: what is behind the dialog is never reached.
    await reach(page, close);
    for (const target of [dialog.getByLabel('Name'), close]) {
      await reach(page, target);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await until('closed, the dialog gives the focus back', () => hasFocus(create));
    await page.keyboard.press('Enter');
    await reach(page, dialog.getByLabel('Name'));
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    await page.getByTestId('secret').waitFor();
    await page.getByRole('cell').getByText('typed', { exact: true }).waitFor();
  });

  test('asks a model and reads its answer; a drawer gives the focus back', async () => {
    await reach(page, page.getByRole('link', { name: 'Playground', exact: true }), 'Shift+Tab');
    await page.keyboard.press('Enter');
    await reach(page, page.getByRole('textbox', { name: 'Message' }));
    await page.keyboard.type('By keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('log').getByText('You wrote "By keyboard"').waitFor();
    await page.getByTestId('facts').waitFor();
    const code = page.getByRole('button', { name: 'Code', exact: true });
    await reach(page, code, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('curl -N').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await until('closed, the drawer gives the focus back', () => hasFocus(code));
  });

  test('on a phone reaches the menu when it is open, and nothing of it before', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const keys = page.getByRole('link', { name: 'Access keys', exact: true });
    await keys.waitFor({ state: 'hidden' });
    await goTo(page, '/profile');
    await page.getByRole('heading', { name: 'Profile', level: 1 }).waitFor();
    const menu = page.getByRole('button', { name: 'Open or close the menu' });
    await reach(page, menu, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await reach(page, keys);
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'hidden' });
    await until('the closed menu gives the focus back', () => hasFocus(menu));
    await page.keyboard.press('Enter');
    await reach(page, keys);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Access keys', level: 1 }).waitFor();
    await keys.waitFor({ state: 'hidden' });
    await page.context().close();
  });
});
