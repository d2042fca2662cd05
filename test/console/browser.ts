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

const CHECKOUT = join(import.meta.dirname, '../..');
/** Of every view, looked at by people; not in the repository. */
const PICTURES = join(CHECKOUT, '.local/console');
/** A loaded machine takes its time. */
const PATIENCE_MS = 120_000;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

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

/** Looks at the page as axe does, in light and dark. */
export async function assertAccessible(page: Page, view: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await inColors(page, colorScheme);
    await page.evaluate(axe.source);
    const found = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
    const serious = axeResults
      .parse(found)
      .violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious, [], `${view}, ${colorScheme}`);
  }
  await inColors(page, 'light');
}

/** On a desktop, on a phone, in dark colours, in Chinese. */
export async function takePictures(page: Page, view: string): Promise<void> {
  const take = (kind: string) =>
    page.screenshot({ path: join(PICTURES, `${view}-${kind}.png`), fullPage: true, animations: 'disabled' });
  await take('desktop');
  await inColors(page, 'dark');
  await take('dark');
  await inColors(page, 'light');
  await page.setViewportSize(PHONE);
  await take('phone');
  const wide = z.number().parse(await page.evaluate('document.documentElement.scrollWidth'));
  assert.ok(wide <= PHONE.width, `${view} is ${wide} pixels wide on a phone`);
  await page.setViewportSize(DESKTOP);
}

const entries = z.array(z.object({ name: z.string(), encodedBodySize: z.number() }));

/** Bytes of script that the page has fetched so far, as they were sent. */
export async function scriptBytes(page: Page): Promise<number> {
  const fetched = await page.evaluate('JSON.parse(JSON.stringify(performance.getEntriesByType("resource")))');
  const scripts = entries.parse(fetched).filter(({ name }) => name.endsWith('.js'));
  return scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
}
