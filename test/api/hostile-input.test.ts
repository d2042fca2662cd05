/** What no honest client sends, in every field of every route of the OpenAPI document. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { ask, askForm, newKey, newPerson, type RawAnswer, signIn } from './asking.ts';
import { type DescribedRoute, describedRoutes, filledPath } from './described.ts';

const MEGABYTE = 1_000_000;
/** JSON texts. */
const SCALARS: Readonly<Record<string, string>> = {
  'an SQL text': JSON.stringify("' OR '1'='1' -- "),
  'an SQL union': JSON.stringify('0 UNION SELECT password_hash FROM users'),
  'a NUL': '"a\\u0000b"',
  nothing: '""',
  'a negative number': '-1',
  'a fraction': '0.5',
  'a huge number': '1e308',
  'more digits than a double holds': '99999999999999999999.5',
  'text of such': '"99999999999999999999"',
  infinity: '1e999',
  true: 'true',
  null: 'null',
};
/** Never right where a text, a number or a switch is expected. */
const STRUCTURES: Readonly<Record<string, string>> = {
  'a NoSQL operator': '{"$gt":""}',
  'a NoSQL script': '{"$where":"sleep(10000)"}',
  'a list': '[[1],{}]',
};
/** More than a management route takes at all. */
const LARGE: Readonly<Record<string, string>> = {
  'a megabyte': JSON.stringify('x'.repeat(MEGABYTE)),
  'many wrong elements': `[${'1,'.repeat(20_000)}1]`,
  'a long name': `{"${'k'.repeat(MEGABYTE)}":1}`,
};
/** Repaired where clients of OpenAI call. */
const SURROGATE = 'an unpaired surrogate';
/** Never right anywhere. */
const POISONS: Readonly<Record<string, string>> = {
  [SURROGATE]: '"a\\ud800"',
  'a __proto__ key': '{"__proto__":{"role":"ROLE_ROOT_ADMIN"}}',
};
const TEXTS = [
  ...[
    "' OR 1=1 -- ",
    '{"$gt":""}',
    '-1',
    '0',
    '0.5',
    '1e308',
    '4294967296',
    '99999999999999999999',
    'NaN',
    '__proto__',
  ],
  ...['constructor', '../../etc/passwd', '\u0000', 'x'.repeat(4_000), '密钥', 'null', 'undefined', '[object Object]'],
];

/** Bodies that are right, so that a single wrong field is all that is wrong. */
const RIGHT_BODIES: Readonly<Record<string, object>> = {
  'POST /v1/auth/register': { username: 'hostile register', password: 'secret 1' },
  'POST /v1/auth/login': { username: 'hostile login', password: 'secret 1' },
  'POST /v1/auth/change-password': { oldPassword: 'secret 1', newPassword: 'secret 2' },
  'POST /v1/auth/session': { username: 'hostile login', password: 'secret 1' },
  'POST /v1/auth/reset-password': { token: 'none', newPassword: 'secret 2' },
  'POST /v1/users/{id}/close': { reason: 'hostile' },
  'POST /v1/admin/access-keys/find': { keyValue: 'ak-hostile' },
  'POST /v1/users': { username: 'hostile user', password: 'secret 1' },
  'POST /v1/users/assign-role': { userId: 4_000_000_000, role: 'ROLE_USER' },
  'POST /v1/users/{id}/status': { status: 1 },
  'POST /v1/users/{id}/adjust-balance': { amount: 1, reason: 'hostile' },
  'POST /v1/orders': { amount: 1 },
  'POST /v1/orders/cancel': { orderNo: 'none' },
  'POST /v1/orders/refund': { orderNo: 'none', reason: 'hostile' },
  'POST /v1/orders/pay-success': { orderNo: 'none' },
  'POST /v1/providers': { name: 'hostile provider', urlBase: 'https://provider.example/v1', kind: 'openai' },
  'PUT /v1/providers/{id}': { name: 'hostile provider' },
  'POST /v1/providers/keys': { providerId: 4_000_000_000, apiKey: 'sk-hostile-1' },
  'POST /v1/providers/keys/{keyId}/status': { status: true },
  'POST /v1/models': {
    ...{ displayName: 'hostile', modelIdentifier: 'hostile', capabilities: ['text-to-text'], priority: 1 },
    ...{ pricing: { input: 0.000001, output: 0.000001 }, providerId: 4_000_000_000 },
  },
  'PUT /v1/models/{id}': { displayName: 'hostile' },
  'POST /v1/models/{id}/status': { status: 1 },
  'POST /v1/chat': { userMessage: 'hello', modelIdentifier: 'no such model' },
  'POST /v1/async/chat': { userMessage: 'hello', modelIdentifier: 'no such model' },
  'POST /v1/chat/completions': { model: 'no such model', messages: [{ role: 'user', content: 'hello' }] },
  'POST /v1/messages': { model: 'no such model', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] },
  'POST /v1/messages/count_tokens': { model: 'no such model', messages: [{ role: 'user', content: 'hello' }] },
  'POST /v1/responses/input_tokens': { model: 'no such model', input: 'hello' },
  'POST /v1/generate-image': { prompt: 'a cat', modelIdentifier: 'no such model' },
  'POST /v1/async/generate-image': { prompt: 'a cat', modelIdentifier: 'no such model' },
  'PATCH /v1/conversations/{id}': { title: 'hostile' },
  'POST /v1/images/generations': { prompt: 'a cat', model: 'no such model' },
  'POST /v2/chat': { model: 'no such model', messages: [{ role: 'user', content: 'hello' }] },
  'POST /v2/chat/stream': { model: 'no such model', messages: [{ role: 'user', content: 'hello' }] },
};

/** What only our own code or the database says. */
const INSIDES = /\bat \w+ \(|node_modules|ER_[A-Z]{3}|SQLSTATE|You have an error in your SQL/;

const LARGEST_REFUSAL_BYTES = 16 * 1024;

/** Clients of OpenAI, of the earlier service, of payment providers and of the web send more than these routes know. */
const LENIENT = new Set([
  ...['POST /v1/chat', 'POST /v1/async/chat', 'POST /v1/generate-image', 'POST /v1/async/generate-image'],
  ...['POST /v1/chat/completions', 'POST /v2/chat', 'POST /v2/chat/stream'],
  ...['POST /v1/images/generations', 'POST /v1/images/edits', 'POST /v1/embeddings'],
  ...['POST /v1/responses', 'GET /v1/responses/{responseId}', 'GET /v1/responses/{responseId}/input_items'],
  ...['POST /v1/messages', 'POST /v1/messages/count_tokens', 'POST /v1/responses/input_tokens'],
  ...['POST /v1/files', 'GET /v1/files', 'GET /v1/files/{fileId}', 'GET /v1/files/{fileId}/content'],
  ...['DELETE /v1/files/{fileId}', 'POST /v1/batches', 'GET /v1/batches', 'GET /v1/batches/{batchId}'],
  ...['POST /v1/batches/{batchId}/cancel', 'POST /v1/async/batches'],
  ...['POST /v1/rerank', 'POST /v2/rerank', 'POST /v1/moderations'],
  ...['POST /v1/audio/speech', 'POST /v1/audio/transcriptions'],
  ...['POST /v1/async/speech', 'POST /v1/async/transcriptions'],
  'POST /v1/responses/{responseId}/cancel',
  'POST /v1/payments/alipay/notify',
  ...['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json', 'GET /', 'GET /docs', 'GET /docs/{file}'],
  'GET /v1/pictures/{pictureId}',
]);

const AT_ONCE = 8;

describe('hostile input', () => {
  let product: Product;
  let routes: DescribedRoute[];
  let token: string;
  let key: string;
  let calls = 0;

  before(async () => {
    ({ product } = await sharedProduct('api'));
    const [api] = product.apis;
    const root = await signIn(api, 'root', product.rootPassword);
    // A ROOT user that nothing else needs.
    const attacker = await newPerson(api, root, 'ROLE_ROOT_ADMIN', 10);
    token = attacker.token;
    key = (await newKey(api, token)).text;
    routes = await describedRoutes(api);
  });

  const send = (route: DescribedRoute, path: string, body?: string): Promise<RawAnswer> => {
    calls += 1;
    const headers = { 'Idempotency-Key': `hostile-${process.pid}-${calls}` };
    const call = { bearer: route.takesToken ? token : key, headers, ...(body === undefined ? {} : { body }) };
    return ask(product.apis[0], route.method, path, call);
  };
  const anyPath = (route: DescribedRoute) => filledPath(route, () => '4000000000');

  test('in a field of a body', async () => {
    const findings = new Findings();
    const fields = routes.flatMap((route) =>
      Object.entries(route.bodyFields ?? {}).map(([name, schema]) => ({ route, name, schema })),
    );
    await inParallel(fields, async ({ route, name, schema }) => {
      const large = route.isStrict ? {} : LARGE;
      for (const [kind, value] of Object.entries({ ...SCALARS, ...STRUCTURES, ...POISONS, ...large })) {
        const what = `${route.method} ${route.path}: ${name} = ${kind}`;
        const answer = await send(route, anyPath(route), bodyWith(route, name, value));
        findings.expect(refusesWell(answer), what, answer);
        const isRepaired = kind === SURROGATE && !route.isStrict;
        const neverRight = (kind in POISONS && !isRepaired) || (kind in STRUCTURES && takesScalarsOnly(schema));
        if (neverRight && answer.status !== 413)
          findings.expect(names(answer, name), `${what} (400 that names it)`, answer);
      }
    });
    findings.assertNone();
  });

  test('of every text, list and map the document shows the largest', () => {
    const unbounded = routes.flatMap((route) =>
      route.inputs.flatMap((schema) => unboundedIn(schema, `${route.method} ${route.path}`)),
    );
    assert.deepEqual(unbounded, []);
  });

  test('a field that a route does not have is refused by name, but where clients of others call', async () => {
    const findings = new Findings();
    await inParallel(routes, async (route) => {
      const name = `${route.method} ${route.path}`;
      if (LENIENT.has(name)) return findings.note(!route.isStrict, `${name} is strict`);
      const bodied = route.bodyFields !== undefined;
      const path = anyPath(route);
      const inQuery = await send(route, `${path}?priorty=1`, bodied ? bodyWith(route) : undefined);
      findings.expect(names(inQuery, 'priorty'), `${name}?priorty=1`, inQuery);
      if (route.method === 'GET' || route.method === 'DELETE') return;
      const inBody = await send(route, path, bodyWith(route, 'priorty', '1'));
      findings.expect(names(inBody, 'priorty'), `${name} {"priorty":1}`, inBody);
    });
    findings.assertNone();
  });

  test('as lists and names of any size, and names that every object has, where clients of others call', async () => {
    const list = `[${'1,'.repeat(50_000)}1]`;
    const longName = `{"${'k'.repeat(5 * MEGABYTE)}":1}`;
    const part = (value: string) => `[{"role":"user","content":${value}}]`;
    const cases: [string, string, string][] = [
      ...['history', 'images', 'options'].map((field) => ['/v1/chat', field, list] as [string, string, string]),
      ...['messages', 'tools', 'stop', 'extra_params'].map(
        (field) => ['/v2/chat', field, list] as [string, string, string],
      ),
      ...['input', 'tools', 'include', 'metadata'].map(
        (field) => ['/v1/responses', field, list] as [string, string, string],
      ),
      ['/v1/responses', 'input', part(list)],
      ['/v1/responses', 'input', `[${'{},'.repeat(9_000)}{}]`],
      ['/v1/responses', 'text', longName],
      ['/v2/chat', 'messages', part(list)],
      ['/v2/chat', 'messages', `[${'{},'.repeat(9_000)}{}]`],
      ...['messages', 'tools', 'stop_sequences', 'system'].map(
        (field) => ['/v1/messages', field, list] as [string, string, string],
      ),
      ['/v1/messages', 'messages', part(list)],
      ['/v1/messages', 'messages', `[${'{},'.repeat(9_000)}{}]`],
      ['/v1/messages/count_tokens', 'messages', part(list)],
      ['/v1/messages', '__proto__', '1'],
      ['/v1/messages', 'constructor', '1'],
      ['/v1/chat', 'history', `[${'{},'.repeat(9_000)}{}]`],
      ['/v1/chat', 'options', longName],
      ['/v2/chat', 'extra_params', longName],
      ['/v1/generate-image', 'options', longName],
      ['/v1/chat', 'modelIdentifier', JSON.stringify('m'.repeat(5 * MEGABYTE))],
      ['/v2/chat', 'model', JSON.stringify('m'.repeat(5 * MEGABYTE))],
      ['/v1/rerank', 'documents', `[${'"a",'.repeat(9_000)}"a"]`],
      ['/v1/rerank', 'documents', '[{"text":7}]'],
      ['/v1/rerank', 'top_n', '0'],
      ['/v1/embeddings', 'input', `[${'[1],'.repeat(9_000)}[1]]`],
      ['/v1/embeddings', 'input', `[${'1,'.repeat(150_000)}1]`],
      ['/v1/embeddings', 'input', `[${'"a",'.repeat(9_000)}""]`],
      ...['constructor', 'toString', '__proto__'].flatMap((name): [string, string, string][] => [
        ['/v2/chat', name, '1'],
        ['/v2/chat', 'extra_params', `{"${name}":1}`],
        ['/v1/chat', 'options', `{"${name}":1}`],
        ['/v1/generate-image', 'options', `{"${name}":1}`],
        ['/v1/images/generations', name, '{}'],
      ]),
    ];
    const findings = new Findings();
    for (const [path, field, value] of cases) {
      const route = routes.find((candidate) => candidate.method === 'POST' && candidate.path === path);
      assert.ok(route);
      const answer = await send(route, path, bodyWith(route, field, value));
      const what = `POST ${path}: ${field} = ${value.slice(0, 30)}`;
      findings.expect(refusesWell(answer) && answer.status === 400, what, answer);
    }
    findings.assertNone();
  });

  test('as more than a route takes: refused before it is read', async () => {
    const findings = new Findings();
    const nested = '['.repeat(2 * MEGABYTE) + ']'.repeat(2 * MEGABYTE);
    for (const route of routes.filter(({ isStrict }) => isStrict)) {
      const answer = await send(route, anyPath(route), nested);
      findings.expect(refusesWell(answer) && answer.status === 413, `${route.method} ${route.path}`, answer);
    }
    findings.assertNone();
  });

  test('as a text part where a form has its files', async () => {
    const findings = new Findings();
    for (const field of ['mask', 'image[0]', 'image', 'constructor', '__proto__']) {
      const form = new FormData();
      form.set('prompt', 'a cat');
      form.set('image[]', new Blob(['x'], { type: 'image/png' }), 'a.png');
      form.set(field, 'x');
      const answer = await askForm(product.apis[0]?.url ?? '', key, form);
      findings.expect(answer.at('error.param') === field && answer.status === 400, field, answer);
    }
    findings.assertNone();
  });

  test('in a parameter of a path', async () => {
    const findings = new Findings();
    const withParameters = routes.filter(({ pathFields }) => pathFields.length > 0);
    await inParallel(withParameters, async (route) => {
      for (const text of TEXTS) {
        const body = route.bodyFields === undefined ? undefined : bodyWith(route);
        const answer = await send(
          route,
          filledPath(route, () => text),
          body,
        );
        const holds = refusesWell(answer) && answer.status >= 400;
        findings.expect(holds, `${route.method} ${route.path} = ${text.slice(0, 40)}`, answer);
      }
    });
    findings.assertNone();
  });

  test('in a query', async () => {
    const findings = new Findings();
    const fields = routes.flatMap((route) => route.queryFields.map((name) => ({ route, name })));
    await inParallel(fields, async ({ route, name }) => {
      const field = encodeURIComponent(name);
      const queries = [
        ...TEXTS.map((text) => `${field}=${encodeURIComponent(text)}`),
        ...[`${field}[$gt]=`, `${field}=1&${field}=2`, `${field}=%ff`, `${field}`, '__proto__[role]=ROLE_ROOT_ADMIN'],
      ];
      for (const query of queries) {
        const answer = await send(route, `${anyPath(route)}?${query}`);
        findings.expect(refusesWell(answer), `${route.method} ${route.path}?${query.slice(0, 60)}`, answer);
      }
    });
    findings.assertNone();
  });

  test('as a whole body', async () => {
    const findings = new Findings();
    const bodies = ['null', '[]', '"text"', '5', '{', '[{"$gt":""}]', '{"__proto__":null}', '['.repeat(200_000)];
    const withBody = routes.filter(({ bodyFields }) => bodyFields !== undefined);
    await inParallel(withBody, async (route) => {
      for (const body of bodies) {
        const answer = await send(route, anyPath(route), body);
        const holds = refusesWell(answer) && answer.status >= 400;
        findings.expect(holds, `${route.method} ${route.path} with ${body.slice(0, 20)}`, answer);
      }
    });
    findings.assertNone();
  });
});

/** All wrong fields are reported at once. */
class Findings {
  readonly #found: string[] = [];

  expect(holds: boolean, what: string, answer: RawAnswer): void {
    if (!holds) this.#found.push(`${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }

  note(holds: boolean, what: string): void {
    if (!holds) this.#found.push(what);
  }

  assertNone(): void {
    assert.equal(this.#found.length, 0, `${this.#found.length} findings:\n${this.#found.slice(0, 60).join('\n')}`);
  }
}

/**
 * Never a 5xx, never large, kept by no cache, and a 400 says which field. A body that is no JSON at all has no field to
 * name.
 */
function refusesWell(answer: RawAnswer): boolean {
  if (answer.status >= 500 || INSIDES.test(answer.text)) return false;
  if (answer.status >= 400 && Buffer.byteLength(answer.text) > LARGEST_REFUSAL_BYTES) return false;
  if (answer.status >= 400 && answer.headers.get('cache-control') !== 'no-store') return false;
  return answer.status !== 400 || namedFields(answer).length > 0;
}

function names(answer: RawAnswer, name: string): boolean {
  return answer.status === 400 && namedFields(answer).some((path) => path === name || path.startsWith(`${name}.`));
}

/** The fields that a 400 names: in its list, in OpenAI's `param`, in Anthropic's message, or as a provider words it. */
function namedFields(answer: RawAnswer): string[] {
  const code = answer.at('code') ?? answer.at('error.code');
  if (code === 400003 || code === '400003') return ['the body'];
  const message = String(answer.at('message') ?? answer.at('error.message'));
  const quoted = [...message.matchAll(/'([\w.]+)'/g)].map(([, name = '']) => name);
  const listed = message.split('; ').map((part) => part.split(': ', 1)[0] ?? '');
  if (answer.at('type') === 'error') return [...listed, ...quoted];
  const param = answer.at('error.param');
  if (param !== undefined) return [...(param === null ? [] : [String(param), ...listed]), ...quoted];
  const errors = answer.at('data.errors');
  return Array.isArray(errors) ? errors.map((error: unknown) => String(Reflect.get(Object(error), 'path'))) : quoted;
}

/** The right body of a route with one field replaced by a JSON text. */
function bodyWith(route: DescribedRoute, name?: string, value?: string): string {
  const fields = Object.entries(RIGHT_BODIES[`${route.method} ${route.path}`] ?? {})
    .filter(([field]) => field !== name)
    .map(([field, right]) => `${JSON.stringify(field)}:${JSON.stringify(right)}`);
  if (name !== undefined) fields.push(`${JSON.stringify(name)}:${value}`);
  return `{${fields.join(',')}}`;
}

/** What of a JSON schema has no bound: texts, lists, maps of any names. */
function unboundedIn(schema: object, path: string): string[] {
  const at = (name: string): unknown => Reflect.get(schema, name);
  const parts = [at('anyOf'), at('oneOf'), at('allOf')].flatMap((list) => (Array.isArray(list) ? list : []));
  const members = Object.entries(Object(at('properties')));
  const inside = [
    ...parts.flatMap((part, index) => unboundedIn(Object(part), `${path}|${index}`)),
    ...members.flatMap(([name, member]) => unboundedIn(Object(member), `${path}.${name}`)),
    ...(at('items') === undefined ? [] : unboundedIn(Object(at('items')), `${path}[]`)),
  ];
  const listed = at('enum') !== undefined || at('const') !== undefined;
  const missing =
    (at('type') === 'string' && !listed && at('maxLength') === undefined) ||
    (at('type') === 'array' && at('maxItems') === undefined) ||
    (at('type') === 'object' && members.length === 0 && at('maxProperties') === undefined) ||
    at('$ref') !== undefined;
  return missing ? [path, ...inside] : inside;
}

/** Whether a JSON schema admits neither objects nor lists. */
function takesScalarsOnly(schema: object): boolean {
  const alternatives: unknown = Reflect.get(schema, 'anyOf') ?? Reflect.get(schema, 'oneOf');
  if (Array.isArray(alternatives)) return alternatives.every((alternative) => takesScalarsOnly(Object(alternative)));
  if (Reflect.get(schema, 'enum') !== undefined || Reflect.get(schema, 'const') !== undefined) return true;
  const types = [Reflect.get(schema, 'type')].flat();
  return types.every((type) => ['string', 'number', 'integer', 'boolean', 'null'].includes(String(type)));
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
