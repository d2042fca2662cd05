import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, invalid } from '../../infra/errors.ts';
import { answerLine, BatchInput, batchError, errorLine, linesOf, MOST_LINES, unrunLine } from './batch-lines.ts';

const GOOD = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { model: 'm' } };

async function* pieces(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test('lines are found wherever the pieces are cut', async () => {
  assert.deepEqual(await all(linesOf(pieces('a\nb', 'c\n', '\n', 'd'))), ['a', 'bc', '', 'd']);
  assert.deepEqual(await all(linesOf(pieces())), []);
  const letter = Buffer.from('灯');
  const cut = (async function* () {
    yield letter.subarray(0, 1);
    yield letter.subarray(1);
  })();
  assert.deepEqual(await all(linesOf(cut)), ['灯']);
});

test('a good line is a request, and empty ones are none', () => {
  const input = new BatchInput('/v1/chat/completions');
  assert.equal(input.add('  '), undefined);
  assert.deepEqual(input.add(`\uFEFF${JSON.stringify(GOOD)}\r`), { line: 0, customId: 'a', request: '{"model":"m"}' });
  input.finish();
  assert.deepEqual([input.count, input.errors], [1, []]);
});

test('an error of a line names its number and field', () => {
  const wrong = (line: object | string) => {
    const input = new BatchInput('/v1/chat/completions');
    input.add(JSON.stringify({ ...GOOD, custom_id: 'first' }));
    assert.equal(input.add(typeof line === 'string' ? line : JSON.stringify({ ...GOOD, ...line })), undefined);
    const [error] = input.errors;
    return [error?.code, error?.line, error?.param];
  };
  assert.deepEqual(wrong('{'), ['invalid_json_line', 2, null]);
  assert.deepEqual(wrong('[]'), ['invalid_json_line', 2, null]);
  const deep = `{"custom_id":"x","body":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
  assert.deepEqual(wrong(deep), ['invalid_json_line', 2, null], 'what would exhaust the stack');
  assert.deepEqual(wrong({ custom_id: '\ud83d' }), ['invalid_custom_id', 2, 'custom_id']);
  assert.deepEqual(wrong({ custom_id: 'first' }), ['duplicate_custom_id', 2, 'custom_id']);
  assert.deepEqual(wrong({ custom_id: '' }), ['invalid_custom_id', 2, 'custom_id']);
  assert.deepEqual(wrong({ custom_id: 'x'.repeat(513) }), ['invalid_custom_id', 2, 'custom_id']);
  assert.deepEqual(wrong({ method: 'GET' }), ['invalid_method', 2, 'method']);
  assert.deepEqual(wrong({ url: '/v1/embeddings' }), ['mismatched_endpoint', 2, 'url']);
  assert.deepEqual(wrong({ body: null }), ['invalid_body', 2, 'body']);
  assert.deepEqual(wrong({ body: { stream: true } }), ['invalid_body', 2, 'body.stream']);
});

test('a file has at most so many lines, and at least one', () => {
  const input = new BatchInput('/v1/chat/completions');
  for (let index = 0; index <= MOST_LINES; index += 1) input.add(JSON.stringify({ ...GOOD, custom_id: `${index}` }));
  assert.ok(input.isHopeless);
  assert.deepEqual(
    input.errors.map(({ code }) => code),
    ['too_many_tasks'],
  );
  const none = new BatchInput('/v1/chat/completions');
  none.finish();
  assert.equal(none.errors[0]?.code, 'empty_file');
});

test('what comes of a line is JSON with the id that the caller gave', () => {
  const answer = JSON.parse(answerLine('batch_1', 7, 'a"b', 'r1', '{"cost":0.000000001}'));
  assert.deepEqual([answer.custom_id, answer.response.request_id, answer.response.body.cost], ['a"b', 'r1', 1e-9]);
  const wrong = invalid([{ path: 'temperature', message: 'must be at most 2' }]);
  const error = {
    ...{ message: 'temperature: must be at most 2', type: 'invalid_request_error' },
    ...{ param: 'temperature', code: '400001' },
  };
  assert.deepEqual(JSON.parse(errorLine('batch_1', 7, 'a', 'r2', wrong)), {
    ...{ id: answer.id, custom_id: 'a', error: null },
    response: { status_code: 400, request_id: 'r2', body: { error } },
  });
  const unrun = { code: 'batch_expired', message: 'too late' };
  assert.deepEqual(JSON.parse(unrunLine('batch_1', 7, 'a', unrun)), {
    ...{ id: answer.id, custom_id: 'a', response: null, error: unrun },
  });
  assert.equal(batchError(new AppError('upstreamError', 'no', { providerCode: 'busy' })).code, 'busy');
});

test('a line that grows above the most when its numbers are written out is refused', () => {
  const input = new BatchInput('/v1/chat/completions');
  const numbers = Array(300_000).fill('1e20').join(',');
  assert.equal(input.add(JSON.stringify({ ...GOOD, body: 0 }).replace(':0', `:{"x":[${numbers}]}`)), undefined);
  assert.deepEqual([input.errors[0]?.code, input.errors[0]?.param], ['request_too_large', 'body']);
});
