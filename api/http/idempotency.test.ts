import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestFingerprint } from './idempotency.ts';

const PNG = new Uint8Array([137, 80, 78, 71, 13, 10, 45, 45]);

interface Asked {
  readonly fields?: Readonly<Record<string, string>>;
  readonly file?: Uint8Array<ArrayBuffer>;
  readonly path?: string;
  /** Of the file. */
  readonly name?: string;
}

/** As fetch writes a form: with a boundary of its own each time. */
async function formOf({
  fields = { model: 'm', prompt: 'p' },
  file = PNG,
  path = '/v1/images/edits',
  name = 'a',
}: Asked) {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  form.append('image', new File([file], name, { type: 'image/png' }));
  const request = new Response(form);
  const type = request.headers.get('content-type') ?? '';
  return { type, path, body: Buffer.from(await request.arrayBuffer()) };
}

function fingerprintOf({ type, path = '/v1/files', body }: { type: string; path?: string; body: Buffer }): string {
  return requestFingerprint({ method: 'POST', path, get: () => type }, body).toString('latin1');
}

test('a form that is sent again is the same request, whatever its boundary is', async () => {
  const first = await formOf({});
  const again = await formOf({});
  assert.notEqual(first.type, again.type, 'fetch takes another boundary');
  assert.equal(fingerprintOf(first), fingerprintOf(again));
});

test('a form with another field, file, file name or path is another request', async () => {
  const first = fingerprintOf(await formOf({}));
  for (const asked of [
    { fields: { model: 'm', prompt: 'q' } },
    { fields: { model: 'm' } },
    { fields: { prompt: 'p', model: 'm' } },
    { file: new Uint8Array([...PNG, 0]) },
    { name: 'b' },
    { path: '/v1/files' },
  ] satisfies Asked[]) {
    assert.notEqual(fingerprintOf(await formOf(asked)), first, JSON.stringify(asked));
  }
});

test('what looks like a boundary is one only where the type says so, and where a line begins', () => {
  const type = 'multipart/form-data; boundary=B';
  const body = (text: string) => Buffer.from(`--B\r\n\r\n${text}\r\n--B--\r\n`);
  const other = { type: 'multipart/form-data; boundary="C"', body: Buffer.from('--C\r\n\r\nx--C\r\n--C--\r\n') };
  assert.notEqual(fingerprintOf({ type, body: body('x--B') }), fingerprintOf(other));
  assert.notEqual(fingerprintOf({ type, body: body('x') }), fingerprintOf({ type, body: body('x\r\n--B\r\n') }));
  const plain = { type: 'application/json', body: body('x') };
  assert.equal(fingerprintOf(plain), `POST /v1/files\n${plain.body.toString('latin1')}`);
});

test('of a form with more parts than are read all bytes count', () => {
  const type = 'multipart/form-data; boundary=B';
  const many = Buffer.from('\r\n--B'.repeat(1_000));
  const changed = Buffer.from(many);
  changed[changed.length - 1] = 67;
  assert.notEqual(fingerprintOf({ type, body: many }), fingerprintOf({ type, body: changed }));
});
