import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FailureClass } from '../failure.ts';
import { API_KEY, failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { capture, replay } from '../test-captures.ts';
import { type TestOutbound, testOutbound } from '../test-outbound.ts';

function complete({ outbound }: TestOutbound): Promise<unknown> {
  const adapter = testAdapters(outbound).chat.openai;
  return adapter.complete(testTarget('openai', 'm'), { messages: [] }, testContext());
}

type Row = readonly [status: number, error: { code?: string | null; type?: string }, failure: FailureClass];

/** Codes of OpenAI, and of those who copied its interface (docs/providers.md). */
const ROWS: readonly Row[] = [
  [400, { code: 'invalid_value' }, 'bad-request'],
  [400, { code: 'context_length_exceeded' }, 'bad-request'],
  [400, { code: 'string_above_max_length' }, 'bad-request'],
  [400, { code: 'content_policy_violation' }, 'content'],
  [400, { code: 'content_filter' }, 'content'],
  [400, { code: 'moderation_blocked' }, 'content'],
  [400, { code: null, type: 'ResponsibleAIPolicyViolation' }, 'content'],
  [401, { code: 'invalid_api_key' }, 'account'],
  [401, { code: null }, 'account'],
  [402, { code: 'invalid_request_error' }, 'account'],
  [403, { code: null }, 'transient'],
  [403, { code: 'unsupported_country_region_territory', type: 'request_forbidden' }, 'transient'],
  [403, { code: 'invalid_key' }, 'account'],
  [403, { code: null, type: 'authentication_error' }, 'account'],
  [403, { code: 'account_deactivated' }, 'account'],
  [404, { code: 'model_not_found' }, 'model'],
  [400, { code: 'model_not_found' }, 'model'],
  [404, { code: null }, 'model'],
  [405, {}, 'model'],
  [301, {}, 'model'],
  [408, {}, 'timeout'],
  [409, {}, 'transient'],
  [413, {}, 'bad-request'],
  [418, {}, 'bad-request'],
  [422, {}, 'bad-request'],
  [424, {}, 'transient'],
  [429, { code: 'rate_limit_exceeded', type: 'requests' }, 'rate'],
  [429, { code: null, type: 'tokens' }, 'rate'],
  [429, { code: 'insufficient_quota', type: 'insufficient_quota' }, 'account'],
  [429, { code: null, type: 'insufficient_quota' }, 'account'],
  [429, { code: 'billing_hard_limit_reached' }, 'account'],
  [400, { code: 'billing_not_active' }, 'account'],
  [500, { code: 'server_error' }, 'transient'],
  [502, {}, 'transient'],
  [503, { code: null, type: 'overloaded_error' }, 'transient'],
  [504, {}, 'timeout'],
  [529, {}, 'transient'],
];

for (const [status, error, failure] of ROWS) {
  test(`${status} ${error.code ?? error.type ?? ''} is ${failure}`, async () => {
    const body = JSON.stringify({ error: { message: 'said so', param: null, ...error } });
    await assert.rejects(complete(testOutbound([{ status, body }])), failedWith(failure, /^said so$/, { status }));
  });
}

type Said = readonly [status: number, code: string | number, message: string, failure: FailureClass];

/** As OpenRouter, OpenAI and Groq write them. */
const SAID: readonly Said[] = [
  [
    403,
    403,
    'openai/gpt-4o requires moderation on OpenAI. Your input was flagged for "violence". No credits were charged.',
    'content',
  ],
  [
    429,
    'rate_limit_exceeded',
    'Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 50000.',
    'bad-request',
  ],
  [413, 'rate_limit_exceeded', 'Request too large for model `m` on tokens per minute (TPM)', 'bad-request'],
  [
    429,
    'rate_limit_exceeded',
    'Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 5000.',
    'rate',
  ],
  [403, 403, 'Forbidden', 'transient'],
  [403, 'forbidden', 'Your API key has no access to this endpoint', 'account'],
  [403, 403, 'The account is suspended', 'account'],
  [403, 403, 'Your account was flagged for abuse', 'account'],
];

for (const [status, code, message, failure] of SAID) {
  test(`${status} "${message.slice(0, 30)}" is ${failure}`, async () => {
    const body = JSON.stringify({ error: { message, code } });
    await assert.rejects(complete(testOutbound([{ status, body }])), failedWith(failure, /./, { status }));
  });
}

test('an error is read in each form that the vendor client reads', async () => {
  const recorded = (name: string) => complete(replay([capture('openai', name)]));
  await assert.rejects(
    recorded('openai_error_body_flat'),
    failedWith('account', /^Invalid API-key provided\.$/, { code: 'InvalidApiKey', upstreamRequestId: 'req_9' }),
  );
  await assert.rejects(recorded('openai_error_body_intcode'), failedWith('bad-request', /^m$/, { code: '400' }));
  await assert.rejects(recorded('openai_error_body_string'), failedWith('bad-request', /^plain$/));
  await assert.rejects(recorded('openai_status_402'), failedWith('account', /^m$/, { status: 402 }));
  await assert.rejects(recorded('openai_status_429'), failedWith('rate', /^m$/, { status: 429 }));
  await assert.rejects(recorded('openai_status_529'), failedWith('transient', /^m$/, { status: 529 }));
});

test('a page of a proxy and an empty answer get a message of their own', async () => {
  const page = { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' };
  const unreadable = failedWith('transient', /^the provider answered 502 without a readable reason$/);
  await assert.rejects(complete(testOutbound([page])), unreadable);
  await assert.rejects(complete(testOutbound([{ status: 502, body: '' }])), unreadable);
  const text = testOutbound([{ status: 503, body: 'upstream connect error' }]);
  await assert.rejects(complete(text), failedWith('transient', /^upstream connect error$/));
});

test('the wait and the request id that the provider names are kept, the key is not', async () => {
  const headers = { 'retry-after': '7', 'x-request-id': 'req_1' };
  const body = JSON.stringify({ error: { message: `${API_KEY} is over its limit`, code: 'rate_limit_exceeded' } });
  await assert.rejects(
    complete(testOutbound([{ status: 429, headers, body }])),
    failedWith('rate', /^\[hidden\] is over its limit$/, { retryAfterMs: 7_000, upstreamRequestId: 'req_1' }),
  );
});
