/** The console has words for all that the API names and says, in each language. Types hold the languages to each other. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { JOB_STATUSES } from '../../activities/jobs/job.ts';
import { ORDER_STATUSES } from '../../activities/orders/order.ts';
import { DELIVERY_STATUSES } from '../../activities/webhooks/delivery.ts';
import { openApiDocument } from '../../api/http/openapi.ts';
import { inputOf } from '../../api/http/validation.ts';
import { allRoutes, type RouteServices } from '../../api/routes.ts';
import { actionWords, errorWords, fieldWords, messageWords } from '../../console/src/language/api-words.ts';
import * as english from '../../console/src/language/en/api.ts';
import { operations } from '../../console/src/language/en/operations.ts';
import { words } from '../../console/src/language/en/words.ts';
import { messages } from '../../console/src/language/zh/messages.ts';
import { AUDIT_ACTIONS, AUDIT_TARGETS } from '../../core/accounts/audit-log.ts';
import { ROLES } from '../../core/accounts/caller.ts';
import { readConfig } from '../../infra/config.ts';
import { AppError, ERROR_CODES } from '../../infra/errors.ts';
import { saidByApi } from './api-source.ts';

const CONSOLE = join(import.meta.dirname, '../../console/src');

function inChinese(message: string): string {
  return messageWords(message, 'zh', (role) => `<${role}>`);
}

describe('names', () => {
  test('every error code, audit action, kind of target, role and state has words, and no other', () => {
    const sorted = (names: readonly (string | number)[]) => names.map(String).toSorted();
    assert.deepEqual(sorted(Object.keys(english.errors)), sorted([...new Set(ERROR_CODES)]));
    assert.deepEqual(sorted(Object.keys(english.actions)), sorted(AUDIT_ACTIONS));
    assert.deepEqual(sorted(Object.keys(operations.audit.kinds)), sorted(AUDIT_TARGETS));
    assert.deepEqual(sorted(Object.keys(words.role)), sorted(ROLES));
    const states = new Set([...JOB_STATUSES, ...ORDER_STATUSES, ...DELIVERY_STATUSES]);
    assert.deepEqual(sorted(Object.keys(english.values)), sorted([...states, 'true', 'false']));
  });

  test('a name of a later version stays as it is', () => {
    assert.equal(errorWords(418_001, 'zh'), undefined);
    assert.equal(actionWords('orders.split', 'zh'), 'orders.split');
    assert.equal(fieldWords('toString.new_field', 'zh'), 'toString.new_field'.replace('.', ' · '));
  });

  test('every field that the console fills in or filters by has words', () => {
    const named = new Set(Object.keys(english.fields));
    assert.deepEqual([...fieldsOfConsole()].filter((name) => !named.has(name)).toSorted(), []);
  });

  test('a field within others is named by the way to it, counted from one', () => {
    assert.equal(fieldWords('pricing.rules.0.input', 'en'), 'Price · Rules · 1 · Input');
  });
});

describe('messages', () => {
  test('every text that the API says of a failure or a field is known in Chinese', () => {
    const missing = [...said].filter(([form]) => !Object.keys(messages).some((key) => patternOf(form).test(key)));
    assert.deepEqual(
      missing.map(([form, path]) => `${path}: ${form}`),
      [],
      'give each its words in console/src/language/zh/messages.ts',
    );
  });

  test('and no other is', () => {
    const patterns = [...said.keys()]
      .filter((form) => form.replaceAll('{…}', '').length >= 'must '.length)
      .map(patternOf);
    patterns.push(...OF_OTHERS);
    assert.deepEqual(
      Object.keys(messages).filter((key) => !patterns.some((pattern) => pattern.test(key))),
      [],
    );
  });

  test('the words take over each part that differs', () => {
    const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).toSorted();
    const dropped = Object.entries(messages).filter(([form, text]) => names(text).some((name) => !form.includes(name)));
    assert.deepEqual(dropped, []);
  });

  test('what the API says of bounds and types is among them', () => {
    const schema = z.object({
      short: z.string().min(6),
      long: z.string().max(3),
      few: z.array(z.int()).min(1),
      many: z.array(z.int()).max(1),
      low: z.number().min(2),
      high: z.number().max(2),
      one: z.enum(['a', 'b']),
      type: z.int(),
      email: z.email(),
      missing: z.string(),
    });
    const wrong = { short: 'a', few: [], low: 1, high: 3, one: 'c', type: 'd', email: 'e' };
    for (const value of [wrong, { ...wrong, long: 'abcd' }, { ...wrong, many: [1, 2] }, { ...wrong, other: 1 }]) {
      const errors = refusalOf(() => inputOf(schema, 'refused').parse(value)).details.errors ?? [];
      assert.ok(errors.length > 0);
      for (const { path, message } of errors)
        assert.match(inChinese(message), /\p{Script=Han}/u, `${path}: ${message}`);
    }
    assert.equal(inChinese('must have at least 6 characters'), '至少需要 6 个字符');
    assert.equal(inChinese('must be at most 365 days before endDate'), '与“结束日期”相距不能超过 365 天');
  });

  test('fields and roles within a message have words in English, too', () => {
    const role = (name: string) => (name === 'ROLE_USER' ? 'User' : name);
    assert.equal(messageWords('must not be after endDate', 'en', role), 'must not be after “Until”');
    assert.equal(
      messageWords('this needs one of the roles ROLE_USER', 'en', role),
      'this needs one of the roles “User”',
    );
  });

  test('a field before the message, an unknown message, and one with signs of its own', () => {
    assert.equal(inChinese('apiKey: the provider has this key already'), '厂商密钥：该提供商已有此密钥');
    assert.equal(inChinese('something of a later version'), 'something of a later version');
    assert.equal(inChinese('there is a model $& already'), '模型 $& 已存在');
  });
});

/** Said to nobody at the console: to programs, to the log, to the run of a job. */
const NOT_OF_FAILURES = [
  'accepted; poll GET /v1/async/jobs/{jobId}',
  'as many jobs of its user or provider run as may (JOBS_PER_USER, JOBS_PER_PROVIDER), or their files fill the memory; tried again in {…} ms',
  'the run was interrupted and will be repeated',
  'try {…}: {…}; the next one follows in {…} s',
];
/** What zod says by itself; why a job failed; what other files hand to the class that says it. */
const OF_OTHERS = [
  /^Invalid email address$/,
  /^its access key or its user was switched off/,
  /^\{count\} (answers over 1 MB are|requests of yours wait)/,
];

/** A field before a text has words of its own. */
const FIELD = /^(?:[\w.-]+|\{…\}): /;

/** Each with the file that says it. */
const said = new Map(
  [...saidByApi()]
    .filter(([form]) => !NOT_OF_FAILURES.includes(form))
    .map(([form, path]): [string, string] => [form.replace(FIELD, ''), path])
    .filter(([form]) => /[a-z]/i.test(form)),
);

function patternOf(form: string): RegExp {
  const escaped = form.split('{…}').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.+')}$`, 's');
}

function refusalOf(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return assert.fail('nothing was refused');
}

/** Models are called by programs and in the playground, whose settings have words of their own. */
const CALLS = /^\/v1\/(async\/(chat|generate-image)|chat\/completions|generate-image|embeddings|moderations)/;
/** What no form of the console has. */
const NOT_ENTERED = new Set(['needs']);

const parameter = z.object({ name: z.string(), in: z.string() });
const schemaNode = z.record(z.string(), z.unknown());
const operation = z.object({
  parameters: z.array(parameter).default([]),
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: schemaNode })) }).optional(),
});

/** Fields of bodies and queries of the routes that the console asks. */
function fieldsOfConsole(): Set<string> {
  const services: RouteServices = Object.create(null);
  const { paths } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(JSON.parse(JSON.stringify(openApiDocument(allRoutes(services, readConfig({}))))));
  const fields = new Set<string>();
  const asked = routesOfConsole().filter(([, path]) => !CALLS.test(path));
  assert.ok(asked.length > 50, `${asked.length} routes`);
  for (const [method, path] of asked) {
    const { parameters, requestBody } = operation.parse(paths[path]?.[method], { reportInput: true });
    for (const { name, in: place } of parameters) if (place === 'query') fields.add(name);
    for (const { schema } of Object.values(requestBody?.content ?? {})) collect(schema, fields);
  }
  return fields;
}

function routesOfConsole(): [method: string, path: string][] {
  const files = globSync('**/*.{ts,tsx}', { cwd: CONSOLE }).filter((path) => !/generated|\.test\./.test(path));
  const found = files.flatMap((path) => {
    return [
      ...readFileSync(join(CONSOLE, path), 'utf8').matchAll(/\b(get|post|put|patch|delete)'?[,(]\s*'(\/v1[^']+)'/gi),
    ];
  });
  const routes = new Map(
    found.map(([, method = '', path = '']) => [
      `${method} ${path}`.toLowerCase(),
      [method.toLowerCase(), path] as const,
    ]),
  );
  return [...routes.values()].map(([method, path]) => [method, path]);
}

function collect(node: unknown, fields: Set<string>): void {
  if (Array.isArray(node)) for (const one of node) collect(one, fields);
  const object = schemaNode.safeParse(node).data;
  if (object === undefined || Array.isArray(node)) return;
  for (const [name, property] of Object.entries(schemaNode.safeParse(object.properties).data ?? {})) {
    // A field that is sent back as it was read.
    if (String(schemaNode.parse(property).description).startsWith('As it was read')) continue;
    fields.add(name);
    if (!NOT_ENTERED.has(name)) collect(property, fields);
  }
  for (const part of ['anyOf', 'oneOf', 'allOf', 'items'] as const) collect(object[part], fields);
}
