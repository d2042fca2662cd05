import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayBeRepeated } from '../../infra/error-answers.ts';
import { AppError, type ErrorKind, invalid } from '../../infra/errors.ts';
import { ENVELOPE, OPENAI } from './forms.ts';

const LARGEST = 16 * 1024;
/** One byte, two, three and, as JSON writes a control character, six for each. */
const CHARACTERS = ['x', 'é', '密', '\u0001'];

test('no refusal is larger than 16 KB in either form, whatever it repeats', () => {
  for (const character of CHARACTERS) {
    const long = character.repeat(1_000_000);
    const errors = [
      new AppError('modelNotFound', `there is no model ${long}`),
      new AppError('upstreamError', long, { providerCode: long, param: long }),
      invalid(Array.from({ length: 500 }, () => ({ path: long, message: long }))),
    ];
    for (const error of errors) {
      for (const text of [ENVELOPE.error(error, 't'.repeat(64)), OPENAI.error(error, 't')]) {
        assert.ok(Buffer.byteLength(text) <= LARGEST, `${Buffer.byteLength(text)} bytes`);
        assert.doesNotThrow(() => JSON.parse(text));
      }
    }
  }
});

test('the fields that fit are named, a long name by its beginning', () => {
  const reported = JSON.parse(ENVELOPE.error(invalid([{ path: `a.${'b'.repeat(5_000)}`, message: 'is wrong' }]), 't'));
  assert.match(reported.data.errors[0].path, /^a\.b{100,197}…$/);
  assert.equal(reported.data.errors[0].message, 'is wrong');
});

test('keys and tokens in a name or path are not repeated', () => {
  const error = invalid([{ path: 'ak-abcdef123456', message: 'is not a field that is known here' }]);
  for (const text of [ENVELOPE.error(error, 't'), OPENAI.error(error, 't')])
    assert.equal(text.includes('abcdef'), false);
});

test('clients repeat only what may do better', () => {
  const told = (kind: ErrorKind, details = {}) => mayBeRepeated(new AppError(kind, 'x', details));
  const asked: ErrorKind[] = ['illegalState', 'alreadyExists', 'idempotencyMismatch', 'invalidParameter', 'notFound'];
  for (const kind of asked) assert.equal(told(kind), false, kind);
  for (const kind of ['idempotencyInUse', 'tooManyRequests', 'upstreamError'] as const) assert.equal(told(kind), true);
  assert.equal(told('illegalState', { retryAfterSeconds: 5 }), true);
  assert.equal(told('upstreamError', { repeatable: false }), false);
});
