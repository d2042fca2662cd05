/** The console of a running product in Debian's Chromium. What a page complains about, or asks of another host, is kept. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { z } from 'zod';
import { obtainChromium } from '../../devstack/chromium.ts';
import { buildConsole } from '../../devstack/console.ts';
import { systemVariables } from '../../devstack/environment.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { until } from '../until.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
/** Of every view, looked at by people; not in the repository. */
const PICTURES = join(CHECKOUT, '.local/console');
/** A loaded machine takes its time. */
const PATIENCE_MS = 120_000;
const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export interface ConsoleBrowser {
  /** A page of its own session. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Fails where a page has complained or has asked another host. */
  assertQuiet(): void;
  close(): Promise<void>;
}

/** The console is built when it is stale, so that a single test file can be run, too. */
export async function startBrowser(): Promise<ConsoleBrowser> {
  const [{ programs, environment }] = await Promise.all([
    obtainChromium(console.log, AbortSignal.timeout(PATIENCE_MS)),
    buildConsole(CHECKOUT),
  ]);
  mkdirSync(PICTURES, { recursive: true });
  const browser: Browser = await chromium.launch({
    executablePath: programs.chromium ?? assert.fail('there is no Chromium'),
    env: { ...systemVariables(), ...environment },
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: PATIENCE_MS,
  });
  const complaints: string[] = [];
  return {
    open: async (url, options = {}) => {
      const context = await browser.newContext({
        // A drawer that is fading is not what axe is to judge.
        reducedMotion: 'reduce',
        ...{ locale: 'en-GB', viewport: DESKTOP, ...options },
        // That of the product: a statement's month is its month.
        timezoneId: 'Asia/Shanghai',
      });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        // A browser logs every answer that is a failure; those are the API's to give.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
          complaints.push(message.text());
        }
      });
      page.on('request', (request) => {
        const asked = new URL(request.url());
        if (asked.protocol.startsWith('http') && asked.origin !== new URL(url).origin) complaints.push(request.url());
      });
      await page.goto(url);
      return page;
    },
    assertQuiet: () => assert.deepEqual(complaints, []),
    close: () => browser.close(),
  };
}

const axeResults = z.object({
  violations: z.array(
    z.object({
      ...{ id: z.string(), impact: z.string().nullish(), help: z.string() },
      nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
    }),
  ),
});

/** The page in these colours, when nothing fades from the others any more. */
async function inColors(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor({ state: 'attached' });
  await page.evaluate(`Promise.all(document.getAnimations()
    .filter(({ effect }) => effect.getTiming().iterations !== Infinity)
    .map(({ finished }) => finished.catch(() => undefined))).then(() => true)`);
}

/** By the menu; when what it lists has come. */
export async function openView(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  await page.getByRole('main').locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
}

export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
}

/** To a view, without loading the page anew. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '/console${path}'); dispatchEvent(new PopStateEvent('popstate'))`);
}

type AxeOptions = Readonly<Record<string, unknown>>;

/** What a serious finding of axe is about depends on colours for these alone: the rest of the page is the same. */
const RULES_OF_COLORS = ['color-contrast', 'link-in-text-block'];

async function assertNothingSerious(page: Page, what: string, options: AxeOptions = {}): Promise<void> {
  const found = await page.evaluate(
    `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...options })})`,
  );
  const serious = axeResults
    .parse(found)
    .violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(serious, [], what);
}

/** Looks at the page, which is light, as axe does; in full runs a picture is made of it. */
export async function assertAccessible(page: Page, name: string): Promise<void> {
  await page.evaluate(axe.source);
  await assertNothingSerious(page, `${name}, light`);
  await takePicture(page, `${name}-desktop`);
}

export async function assertAccessibleInDark(page: Page, name: string): Promise<void> {
  await inColors(page, 'dark');
  await page.evaluate(axe.source);
  await assertNothingSerious(page, `${name}, dark`, { runOnly: { type: 'rule', values: RULES_OF_COLORS } });
  await takePicture(page, `${name}-dark`);
  await inColors(page, 'light');
}

/** The menu of the header is found by the name that it has in the language before. */
async function chooseLanguage(page: Page, menu: string, language: string): Promise<void> {
  await page.getByRole('button', { name: menu }).click();
  await page.getByRole('menuitem', { name: language }).click();
  await page.getByRole('menu').waitFor({ state: 'detached' });
}

/** Of an English page in light colours, as it is again after it; in Chinese it is looked at in dark, too. */
export async function assertAccessibleInChinese(page: Page, name: string): Promise<void> {
  await chooseLanguage(page, 'Language and colours', '中文');
  await page.locator('html[lang=zh-CN]').waitFor({ state: 'attached' });
  await page.evaluate(axe.source);
  // Light colours are those of before.
  const rules = Object.fromEntries(RULES_OF_COLORS.map((rule) => [rule, { enabled: false }]));
  await assertNothingSerious(page, `${name}, Chinese`, { rules });
  await takePicture(page, `${name}-chinese`);
  await assertAccessibleInDark(page, `${name}-chinese`);
  await chooseLanguage(page, '语言与外观', 'English');
}

/** For people to look at; made in full runs alone, as it takes as long as the test itself. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (!isFullChaos()) return;
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/** Buttons, links and amounts of rows that a phone does not show. */
const BEYOND_PHONE = `[...document.querySelectorAll('td button, td a, td .money')]
  .filter((one) => one.checkVisibility())
  .filter((one) => one.getBoundingClientRect().right > ${PHONE.width})
  .map((one) => one.getAttribute('aria-label') || one.textContent)`;

/** What is wider than a phone is cut off there; a chart becomes narrower a moment after the page. */
export async function assertFitsPhone(page: Page, name: string): Promise<void> {
  await until(`${name} fits a phone`, async () => {
    // waitForFunction evaluates in a way that the policy of the page forbids.
    const wide = z.number().parse(await page.evaluate('document.documentElement.scrollWidth'));
    return wide <= PHONE.width;
  });
  await until(`all buttons, links and amounts of rows in ${name} are on a phone`, async () => {
    return z.array(z.string().nullable()).parse(await page.evaluate(BEYOND_PHONE)).length === 0;
  });
}

/** Tables from which something has to be scrolled into sight. */
const WIDE_TABLES = `[...document.querySelectorAll('main table')]
  .filter((table) => table.checkVisibility())
  .filter((table) => {
    const { scrollWidth, clientWidth } = table.closest('.mantine-ScrollArea-viewport') ?? table;
    return scrollWidth > clientWidth;
  })
  .map((table) => table.ariaLabel)`;
/** A tablet upright, and where the menu or another column has just found room. */
const WIDTHS = [780, 992, 1104, 1244, 1440];

/** A table leaves out columns before one of them is beyond the edge. */
export async function assertTablesFit(page: Page, name: string): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ ...DESKTOP, width });
    let wide: (string | null)[] = [];
    const fits = async () => {
      wide = z.array(z.string().nullable()).parse(await page.evaluate(WIDE_TABLES));
      return wide.length === 0;
    };
    await until(`all tables of ${name} fit ${width} px`, fits, 10_000).catch(() =>
      assert.deepEqual(wide, [], `${name} at ${width} px`),
    );
  }
  await page.setViewportSize(DESKTOP);
}

export async function onPhone(page: Page, name: string): Promise<void> {
  await page.setViewportSize(PHONE);
  await assertFitsPhone(page, name);
  await takePicture(page, `${name}-phone`);
  await page.setViewportSize(DESKTOP);
}

const entries = z.array(z.object({ name: z.string() }));

/** Bytes of all script that the page has fetched, as those are sent them that know gzip alone. */
export async function scriptBytes(page: Page): Promise<number> {
  // What is not needed at once comes after what is seen.
  await page.waitForLoadState('networkidle');
  const fetched = await page.evaluate('JSON.parse(JSON.stringify(performance.getEntriesByType("resource")))');
  const scripts = entries.parse(fetched).filter(({ name }) => name.endsWith('.js'));
  const sizes = scripts.map(async ({ name }) => {
    const { headers } = await fetch(name, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } });
    return Number(headers.get('content-length') ?? assert.fail(`${name} has no length`));
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
