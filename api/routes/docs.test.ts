import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { serve } from '../application.fixture.ts';
import { moneyInput } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { docsRoutes } from './docs.ts';

const pay = route({
  method: 'post',
  path: '/v1/things/{id}',
  operationId: 'test1',
  summary: 'Pay for a thing',
  tag: 'Things',
  access: 'access-key',
  params: z.object({ id: z.string() }),
  body: z.object({ amount: moneyInput, note: z.string().max(20).optional() }),
  success: z.object({ ok: z.boolean() }),
  status: 201,
  idempotent: 'required',
  handler: () => ({ ok: true }),
});

function application() {
  const routes: Route[] = [pay];
  routes.push(...docsRoutes(() => routes));
  return serve(routes);
}

test('the document shows path, body, answer, errors and credentials of a route', async () => {
  await using app = await application();
  const document = await app.call('/openapi.json');
  const at = (path: string) => document.at(`paths./v1/things/{id}.post.${path}`);
  assert.equal(document.at('openapi'), '3.1.0');
  assert.equal(document.at('servers.0.url'), '/');
  assert.equal(at('summary'), 'Pay for a thing');
  const session = { consoleSession: [], ownAccessKey: [] };
  assert.deepEqual(at('security'), [{ accessKey: [] }, { bearerAccessKey: [] }, session]);
  assert.deepEqual(at('requestBody.content.application/json.schema.required'), ['amount']);
  assert.equal(at('requestBody.content.application/json.schema.properties.amount.format'), 'decimal');
  assert.equal(at('requestBody.content.application/json.schema.additionalProperties'), false);
  assert.equal(at('requestBody.content.application/json.schema.properties.note.maxLength'), 20);
  assert.equal(at('requestBody.description'), 'At most 16 KB');
  assert.equal(at('responses.201.content.application/json.schema.properties.data.properties.ok.type'), 'boolean');
  const responses = at('responses');
  assert.ok(typeof responses === 'object' && responses !== null);
  assert.deepEqual(Object.keys(responses).sort(), ['201', '400', '401', '404', '409', '413', '415', '422', 'default']);
  const parameters = at('parameters');
  assert.ok(Array.isArray(parameters));
  assert.deepEqual(
    parameters.map((parameter) => [parameter.in, parameter.name, parameter.required]),
    [
      ['path', 'id', true],
      ['header', 'Idempotency-Key', true],
    ],
  );
  assert.notEqual(document.at('paths./openapi.json.get'), undefined, 'it describes itself');
});

test('an Idempotency-Key that a handler claims itself is reported, too', async () => {
  const chat = route({
    ...{
      method: 'post',
      path: '/v1/chat',
      operationId: 'test2',
      summary: 'Chat',
      tag: 'Things',
      access: 'access-key',
      claimsKey: true,
    },
    success: z.null(),
    handler: () => null,
  });
  await using app = await serve([chat, ...docsRoutes(() => [chat])]);
  const document = await app.call('/openapi.json');
  assert.equal(document.at('paths./v1/chat.post.parameters.0.name'), 'Idempotency-Key');
  assert.equal(document.at('paths./v1/chat.post.parameters.0.required'), undefined);
  assert.notEqual(document.at('paths./v1/chat.post.responses.422'), undefined);
});

test('all forms are reported where an access key alone is answered in that of its clients', async () => {
  const both = route({
    method: 'get',
    path: '/v1/things/{id}',
    operationId: 'test3',
    summary: 'A thing',
    tag: 'Things',
    access: 'anyone-signed-in',
    params: z.object({ id: z.string() }),
    success: z.object({ ok: z.boolean() }),
    successForKey: z.object({ object: z.literal('thing') }),
    handler: () => ({ ok: true }),
  });
  await using app = await serve([both, ...docsRoutes(() => [both])]);
  const document = await app.call('/openapi.json');
  const schemaOf = (status: string) =>
    document.at(`paths./v1/things/{id}.get.responses.${status}.content.application/json.schema`);
  const success = JSON.stringify(schemaOf('200'));
  assert.match(success, /"anyOf":\[.*"ok".*"thing"/);
  for (const status of ['401', '404', 'default']) {
    const refs = ['Error', 'OpenAIError', 'AnthropicError'].map((name) => ({ $ref: `#/components/schemas/${name}` }));
    assert.deepEqual(schemaOf(status), { anyOf: refs }, status);
  }
});

test('the page and all that it loads come from here', async () => {
  await using app = await application();
  const page = await app.call('/docs');
  assert.match(page.header('content-type') ?? '', /^text\/html/);
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
  const files = links.filter((link) => link !== 'data:,');
  assert.ok(files.length >= 3);
  for (const file of files) {
    assert.ok(file.startsWith('/docs/'), file);
    const answer = await app.call(file);
    assert.equal(answer.status, 200, file);
    assert.match(answer.header('content-type') ?? '', file.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
    assert.ok(answer.text.length > 0, file);
  }
  assert.match(
    page.header('content-security-policy') ?? '',
    /default-src 'none'; script-src 'self'; connect-src 'self'/,
  );
  for (const file of ['../package.json', '..%2f..%2fpackage.json', 'swagger-ui.js.map', 'x']) {
    assert.ok((await app.call(`/docs/${file}`)).status >= 400, file);
  }
});

test('the root leads a browser to the console, and others to the page', async () => {
  await using app = await application();
  const browser = await app.call('/', { redirect: 'manual', headers: { accept: 'text/html,*/*;q=0.8' } });
  assert.deepEqual([browser.status, browser.header('location')], [302, '/console']);
  assert.match(browser.header('vary') ?? '', /Accept/);
  const answer = await app.call('/', { redirect: 'manual' });
  assert.deepEqual([answer.status, answer.header('location')], [302, '/docs']);
  assert.equal((await app.call('/', { method: 'HEAD' })).status, 200, 'after the redirect');
});
