import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Contract, type GivenAnswer } from './contract.fixture.ts';
import { OPENAI } from './forms.ts';
import { decimalOutput, money } from './money.ts';
import { route } from './route.ts';
import { timeOutput } from './times.ts';

const thing = z.object({ id: z.number().int(), price: decimalOutput, note: z.string().optional(), madeAt: timeOutput });
const madeAt = '2026-11-24T19:42:00.207+08:00';
const ok = { id: 1, price: money(1n), madeAt };
const contract = Contract.of([
  route({
    ...{
      method: 'get',
      path: '/v1/things/{id}',
      operationId: 'test1',
      summary: 'A thing',
      tag: 'Things',
      access: 'jwt',
    },
    params: z.object({ id: z.string() }),
    success: thing.meta({ id: 'Thing' }),
    handler: () => ok,
  }),
  route({
    ...{
      method: 'get',
      path: '/v1/things/best',
      operationId: 'test2',
      summary: 'The best',
      tag: 'Things',
      access: 'open',
    },
    success: thing,
    form: OPENAI,
    handler: () => ok,
  }),
]);

const good = { code: 200, message: 'success', data: { id: 1, price: 0.000000001, madeAt }, traceId: 't' };
const failure = { code: 500002, message: 'there is none', data: null, traceId: 't' };
const openAiFailure = { error: { message: 'no', type: 'server_error', param: null, code: '500' } };

function answer(body: unknown, change: Partial<GivenAnswer> = {}): GivenAnswer {
  const text = JSON.stringify(body);
  const contentType = 'application/json; charset=utf-8';
  return { method: 'GET', path: '/v1/things/1', status: 200, contentType, text, ...change };
}

test('answers as the document describes them are good', () => {
  contract.check(answer(good));
  contract.check(answer({ ...good, data: { ...good.data, note: 'n' } }));
  contract.check(answer(failure, { status: 404 }));
  contract.check(
    answer({ ...failure, code: 400001, data: { errors: [{ path: 'id', message: 'm' }] } }, { status: 400 }),
  );
  contract.check(answer(failure, { status: 503 }));
  contract.check(answer(good.data, { path: '/v1/things/best' }));
  contract.check(answer(openAiFailure, { path: '/v1/things/best', status: 500 }));
  contract.check(answer({ ...failure, code: 404 }, { path: '/nowhere', status: 404 }));
  contract.check(answer({ ...failure, code: 405 }, { method: 'POST', status: 405 }));
  contract.check(answer(null, { method: 'HEAD', contentType: null }));
});

test('anything else fails and says what is wrong', () => {
  const { traceId: _, ...withoutTrace } = good;
  const wrong: readonly [string, GivenAnswer, RegExp][] = [
    ['missing field', answer({ ...good, data: { id: 1 } }), /\/data must have required property 'price'/],
    ['missing field of the envelope', answer(withoutTrace), /required property 'traceId'/],
    ['wrong type', answer({ ...good, data: { ...ok, price: '1' } }), /\/data\/price must be number/],
    [
      'time without offset',
      answer({ ...good, data: { ...good.data, madeAt: '2026-11-24T19:42:00' } }),
      /format "date-time"/,
    ],
    ['no integer', answer({ ...good, data: { ...good.data, id: 1.5 } }), /\/data\/id must be integer/],
    ['undocumented field', answer({ ...good, data: { ...good.data, secret: 1 } }), /additional properties \(secret\)/],
    ['undocumented field of the envelope', answer({ ...good, extra: 1 }), /additional properties \(extra\)/],
    ['undocumented status', answer(good, { status: 201 }), /answered 201, a status that/],
    ['undocumented redirect', answer(failure, { status: 302 }), /answered 302, a status that/],
    ['undocumented media type', answer(good, { contentType: 'text/html' }), /"text\/html", a media type that/],
    ['no media type', answer(good, { contentType: null }), /"", a media type that/],
    ['failure in the form of success', answer(good, { status: 404 }), /\/data must/],
    ['failure with another code', answer({ ...failure, code: 1 }, { status: 404 }), /\/code must be equal to one of/],
    ['failure in the form of OpenAI', answer(openAiFailure, { status: 500 }), /required property 'code'/],
    ['envelope where OpenAI’s form is due', answer(good, { path: '/v1/things/best' }), /required property 'id'/],
    ['failure with more', answer({ ...failure, stack: 's' }, { status: 500 }), /additional properties \(stack\)/],
    ['success of an undocumented path', answer(good, { path: '/nowhere' }), /answered 200, a status that/],
    ['success of an undocumented method', answer(good, { method: 'PUT' }), /answered 200, a status that/],
  ];
  for (const [what, answer, message] of wrong) {
    assert.throws(() => contract.check(answer), { name: 'AssertionError', message }, what);
  }
});

test('the last parameter of a path may hold slashes', () => {
  contract.check(answer(good, { path: '/v1/things/a/b' }));
});
