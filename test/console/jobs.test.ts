/** Jobs in the console: made in the playground, with pictures, and as an administrator finds and ends those of all. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { ask, textAt } from '../api/asking.ts';
import { call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import type { Receiver } from '../webhooks/receiver.ts';
import { type ConsoleBrowser, openView, signIn } from './browser.ts';
import { start } from './started.ts';

/** One pixel. */
const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const withJob = z.object({ jobId: z.string() });

let product: Product;
let browser: ConsoleBrowser;
let receiver: Receiver;

describe('jobs in the console', () => {
  before(async () => {
    ({ product, browser, receiver } = await start());
  });

  test('a chat is a job, and pictures are chosen and pasted', async () => {
    const customer = await newCustomer(product.apis[0]);
    const page = await browser.open(`${product.apis[0]?.url}/console`);
    await signIn(page, customer.name, `pass-${customer.name}`);
    await openView(page, 'Playground');
    await page.getByRole('switch', { name: 'As a job' }).click();
    // A browser does not ask again by itself after an answer that is not 200.
    await page.route('**/events', (route) => route.fulfill({ status: 503 }), { times: 1 });
    await page.getByRole('textbox', { name: 'Message' }).fill('Work on this');
    await page.keyboard.press('Enter');
    const answer = page.getByTestId('answer').first();
    await answer.getByTestId('facts').waitFor();
    assert.match((await answer.textContent()) ?? '', /You wrote "Work on this"/);
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('combobox', { name: 'Model' }).click();
    await page.getByRole('option', { name: 'Simulated pictures' }).click();
    const buffer = Buffer.from(PICTURE, 'base64');
    await page.locator('input[type=file]').setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer });
    await page.getByRole('img', { name: 'Image 1 of your message' }).waitFor();
    await paste(page);
    await page.getByRole('img', { name: 'Image 2 of your message' }).waitFor();
    await page.getByRole('button', { name: /^Remove image 2/ }).click();
    await page.getByRole('img', { name: 'Image 2 of your message' }).waitFor({ state: 'detached' });
    await page.getByRole('textbox', { name: 'Message' }).fill('The same in blue');
    await page.keyboard.press('Enter');
    await page.getByTestId('answer').getByRole('img', { name: 'Picture 1 of the result' }).waitFor();
    const speech = { model: 'sim-speech', input: 'Good morning.', voice: 'alloy' };
    await call(product.apis[0], 'POST', '/v1/async/speech', { key: customer.key, body: speech });
    await openView(page, 'Jobs');
    await page.getByRole('button', { name: /^Chat · sim-chat/ }).click();
    await page.getByRole('dialog').getByText('You wrote "Work on this"').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Speech · sim-speech/ }).click();
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByLabel('Speech of the result').waitFor();
    await page.getByRole('link', { name: 'Download' }).waitFor();
    await page.context().close();
  });

  test('an administrator finds one, whose it is and what it cost, and cancels one that runs', async () => {
    const fault = { fault: 'hang', model: 'sim-chat' };
    const headers = { 'content-type': 'application/json' };
    await fetch(`${product.simulator.url}/control/faults`, { method: 'POST', headers, body: JSON.stringify(fault) });
    const customer = await newCustomer(product.apis[0]);
    const body = { userMessage: 'wait', modelIdentifier: 'sim-chat' };
    assert.equal((await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body })).status, 202);
    const page = await asRoot();
    await openView(page, 'Jobs of all users');
    await page.getByRole('row', { name: customer.name }).getByRole('button', { name: 'Chat · sim-chat' }).click();
    const drawer = page.getByRole('dialog', { name: 'Job', exact: true });
    await drawer.getByRole('link', { name: 'Open in Temporal UI' }).waitFor();
    await drawer.getByText('Running', { exact: true }).waitFor();
    await drawer.getByRole('button', { name: 'Cancel the job' }).click();
    const question = page.getByRole('dialog', { name: 'Cancel the job' });
    await question.getByRole('button', { name: 'Cancel the job' }).click();
    await question.waitFor({ state: 'detached' });
    // It ends with the call of its provider, which hangs.
    await drawer.getByRole('row', { name: 'Cancellation requested' }).waitFor();
    await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
    await page.context().close();
  });

  test('an administrator sends the webhook of a user again', async () => {
    const customer = await newCustomer(product.apis[0]);
    const webhookUrl = `http://127.0.0.1:${receiver.port}/of-${customer.name}`;
    const body = { userMessage: 'hello', modelIdentifier: 'sim-chat', webhookUrl };
    const submitted = await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body });
    await jobEnd(product.apis[0], customer.key, withJob.parse(submitted.data).jobId);
    await until('the webhook has come', () => receiver.at(`/of-${customer.name}`).length === 1);
    const isDelivered = "SELECT id FROM webhook_deliveries WHERE status='DELIVERED' AND user_id=";
    const delivered = async () => (await product.rows(`${isDelivered}${customer.userId}`)).length === 1;
    await until('its answer is stored', delivered);
    const page = await asRoot();
    await openView(page, 'Webhook deliveries');
    const delivery = page.getByRole('row', { name: customer.name });
    await delivery.getByText('Delivered').waitFor();
    await delivery.getByRole('button', { name: /^Send again: / }).click();
    await until('it has come again', () => receiver.at(`/of-${customer.name}`).length === 2);
    await page.context().close();
  });

  test('an administrator looks up a batch: its lines with what they cost, its reservation and its calls', async () => {
    const [api] = product.apis;
    const { key, name } = await newCustomer(api);
    const line = (max_tokens: number) => ({
      ...{ custom_id: `of ${max_tokens}`, method: 'POST', url: '/v1/chat/completions' },
      body: { model: 'sim-chat', max_tokens, messages: [{ role: 'user', content: 'hello' }] },
    });
    const file = { purpose: 'batch', file: [line(4), line(5)].map((one) => JSON.stringify(one)).join('\n') };
    const inputFileId = textAt(await ask(api, 'POST', '/v1/files', { bearer: key, body: file }), 'id');
    const batch = { input_file_id: inputFileId, endpoint: '/v1/chat/completions', completion_window: '24h' };
    const id = textAt(await ask(api, 'POST', '/v1/batches', { bearer: key, body: batch }), 'id');
    const token = await rootToken(product);
    const seen = async () => (await ask(api, 'GET', `/v1/admin/batches/${id}`, { bearer: token })).at('data');
    const ended = z.object({ status: z.literal('completed'), calls: z.literal(2) });
    await until('its calls are in the log', async () => ended.safeParse(await seen()).success);
    const page = await asRoot();
    await openView(page, 'Look up');
    await page.getByLabel('Trace, request, job, batch, order or workflow id').fill(id);
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText('2 lines: 2 answered, 0 failed · 2 calls in the log, charged ¥0.').waitFor();
    for (const event of ['Reserved', 'Batch started', 'Batch ended', name]) {
      await page.getByRole('main').getByText(event).first().waitFor();
    }
    const href = await page.getByRole('link', { name: 'Open in Temporal UI' }).getAttribute('href');
    assert.ok(href?.includes(encodeURIComponent(`/${id}`)), href ?? 'no link');
    await page.getByRole('link', { name: 'The whole trace' }).click();
    await page.getByText('Call of sim-chat').nth(1).waitFor();
    await page.getByText('Batch ended').waitFor();
    await page.context().close();
  });
});

async function asRoot(): Promise<Page> {
  const page = await browser.open(`${product.apis[0]?.url}/console`);
  await signIn(page, 'root', product.rootPassword);
  return page;
}

/** As the clipboard gives a picture to the field that has the focus. */
async function paste(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).focus();
  await page.evaluate(`
    const bytes = Uint8Array.from(atob('${PICTURE}'), (character) => character.charCodeAt(0));
    const clipboardData = new DataTransfer();
    // Another picture than the one that was chosen, as two that are the same are one.
    clipboardData.items.add(new File([bytes, 'more'], 'two.png', { type: 'image/png' }));
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  `);
}
