/** Pages of other sites in the browser of somebody who is signed in to the console: they change, read and frame nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { before, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';
import { call, newCustomer, type Product } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { type ConsoleBrowser, signIn } from './browser.ts';
import { start } from './started.ts';

const NOBODY_MADE_IT = 'made by another site';
let product: Product;
let browser: ConsoleBrowser;

before(async () => {
  ({ product, browser } = await start());
});

/** What a script of the page learns of each request that it makes a browser send; `opaque`: not even the status. */
async function outcomes(page: Page, script: string): Promise<readonly string[]> {
  const told = await page.evaluate(`(async () => {
    const attempt = async (send) => {
      try {
        const answer = await send();
        return answer.type === 'opaque' ? 'opaque' : answer.status + ' ' + (await answer.text());
      } catch { return 'refused'; }
    };
    return JSON.stringify(await Promise.all([${script}].map(attempt)));
  })()`);
  return z.array(z.string()).parse(JSON.parse(`${told}`));
}

/** By each way in which a page may send a body without asking first, and by those for which it has to ask. */
function requests(api: string, victim: number): string {
  const send = (path: string, init: string) =>
    `() => fetch(${JSON.stringify(`${api}${path}`)}, { credentials: 'include', ${init} })`;
  const body = (fields: object) => JSON.stringify(JSON.stringify(fields));
  const key = body({ name: NOBODY_MADE_IT });
  const gift = body({ amount: 1, reason: NOBODY_MADE_IT });
  const status = body({ status: 0 });
  const changes = [
    ['/v1/access-keys', key],
    [`/v1/users/${victim}/adjust-balance`, gift],
    [`/v1/users/${victim}/status`, status],
    ['/v1/admin/reconciliations', "''"],
  ] as const;
  return changes
    .flatMap(([path, text]) => [
      send(path, `method: 'POST', mode: 'no-cors', body: ${text}`),
      send(path, `method: 'POST', mode: 'no-cors', body: new Blob([${text}])`),
      send(path, `method: 'POST', mode: 'no-cors', body: new URLSearchParams(${text})`),
      send(path, `method: 'POST', headers: { 'content-type': 'application/json' }, body: ${text}`),
      send(path, `method: 'POST', body: ${text}`),
    ])
    .concat([
      send('/v1/access-keys', ''),
      send('/v1/auth/session', ''),
      send('/v1/auth/session', "method: 'DELETE'"),
      send('/v1/admin/feed?seconds=1', ''),
      send('/v1/users', "mode: 'no-cors'"),
    ])
    .join();
}

/** A form goes with the cookies of a page that is opened by it. @returns the status of that page. */
async function formStatus(context: BrowserContext, from: string, action: string, form: string): Promise<number> {
  const page = await context.newPage();
  try {
    await page.goto(from);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url() === action),
      page.waitForURL(action),
      page.evaluate(`document.body.innerHTML = ${JSON.stringify(`<form method=post action="${action}" ${form}</form>`)};
        setTimeout(() => document.forms[0].submit())`),
    ]);
    return answer.status();
  } finally {
    await page.close();
  }
}

async function sessionOf(context: BrowserContext, api: string): Promise<string | undefined> {
  return (await context.cookies(api)).find(({ name }) => name === 'gateway_session')?.value;
}

test('a page of another origin does nothing with the session of who opens it, on the same host or another', async () => {
  const api = product.apis[0]?.url ?? assert.fail('no API');
  const token = await rootToken(product);
  const asRoot = (method: string, path: string, body?: object) =>
    call(product.apis[0], method, path, { token, ...(body && { body }) });
  const mallory = await newCustomer(product.apis[0]);
  const victim = { username: 'an-administrator', password: 'a-long-password' };
  const made = await asRoot('POST', '/v1/users', { ...victim, role: 'ROLE_ROOT_ADMIN' });
  assert.equal(made.status, 200, made.message);
  const signedIn = await browser.open(`${api}/console`);
  await signIn(signedIn, victim.username, victim.password);
  const session = await sessionOf(signedIn.context(), api);
  assert.ok(session);
  const evil = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<body></body>'));
  evil.listen(0, '127.0.0.1');
  await once(evil, 'listening');
  try {
    const address = evil.address();
    const port = typeof address === 'object' && address !== null ? address.port : assert.fail('no port');
    // Another port is the same site: the browser sends the cookie.
    for (const from of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`]) {
      const page = await signedIn.context().newPage();
      await page.goto(from);
      const told = await outcomes(page, requests(api, mallory.userId));
      assert.deepEqual([...new Set(told)].sort(), ['opaque', 'refused'], from);
      const sandboxed = await page.evaluate(`new Promise((resolve) => {
        addEventListener('message', ({ data, origin }) => resolve(origin + ' ' + data), { once: true });
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.srcdoc = ${JSON.stringify(`<script>
          fetch('${api}/v1/access-keys', { method: 'POST', credentials: 'include', body: '{}' })
            .then(({ status }) => status, () => 'refused').then((told) => parent.postMessage(told, '*'));
        </script>`)};
        document.body.append(frame);
      })`);
      assert.equal(sandboxed, 'null refused', 'of the origin null');
      const events = await page.evaluate(`new Promise((resolve) => {
        const source = new EventSource('${api}/v1/admin/feed', { withCredentials: true });
        source.onopen = () => resolve('open');
        source.onerror = () => { source.close(); resolve('refused'); };
      })`);
      assert.equal(events, 'refused');
      const framed = await page.evaluate(`new Promise((resolve) => {
        const frame = document.createElement('iframe');
        frame.onload = () => resolve(frame.contentDocument === null);
        frame.src = '${api}/console';
        document.body.append(frame);
      })`);
      const inFrame = page.frames().at(-1);
      assert.ok(framed && inFrame);
      assert.equal(await inFrame.locator('#root').count(), 0, 'the console is in no frame');
      // Words of JSON, with the "=" of the form within the password.
      const words = JSON.stringify({ username: mallory.name, password: '~' }).split('~');
      const asText = `enctype="text/plain"><input name='${words[0]}' value='${words[1]}'>`;
      assert.equal(
        await formStatus(signedIn.context(), from, `${api}/v1/auth/session`, asText),
        415,
        'signs nobody in as another',
      );
      const fields = `><input name=username value=${mallory.name}><input name=password value=pass-${mallory.name}>`;
      assert.equal(await formStatus(signedIn.context(), from, `${api}/v1/auth/session`, fields), 415);
      assert.ok((await formStatus(signedIn.context(), from, `${api}/v1/access-keys`, '>')) >= 400);
      await page.close();
    }
    assert.equal(await sessionOf(signedIn.context(), api), session, 'the same session');
    await signedIn.reload();
    await signedIn.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    const known = await product.rows(`SELECT name FROM access_keys WHERE name='${NOBODY_MADE_IT}'`);
    const records = await product.rows(
      `SELECT action FROM audit_log WHERE actor_user_id=${z.object({ id: z.number() }).parse(made.data).id}`,
    );
    assert.deepEqual([known, records], [[], []]);
  } finally {
    evil.close();
    evil.closeAllConnections();
    await signedIn.context().close();
  }
});
