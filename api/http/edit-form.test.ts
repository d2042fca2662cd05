import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '../../infra/error-answers.ts';
import { AppError } from '../../infra/errors.ts';
import { readForm } from './edit-form.ts';

const TYPE = 'multipart/form-data; boundary=limit';

interface Part {
  readonly name: string;
  readonly text: string;
  readonly file?: true;
}

function bodyOf(parts: readonly Part[]): Buffer {
  const texts = parts.map(({ name, text, file }) => {
    const head = `Content-Disposition: form-data; name="${name}"${file ? '; filename="a.png"\r\nContent-Type: image/png' : ''}`;
    return `--limit\r\n${head}\r\n\r\n${text}\r\n`;
  });
  return Buffer.from(`${texts.join('')}--limit--\r\n`);
}

async function refusal(type: string, body: Buffer): Promise<AppError> {
  try {
    await readForm(type, body);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error;
  }
  return assert.fail('accepted');
}

test('images under each of their names, one mask, texts of any name', async () => {
  const form = await readForm(
    TYPE,
    bodyOf([
      { name: 'prompt', text: 'a cat' },
      { name: 'image', text: '1', file: true },
      { name: 'image[]', text: '2', file: true },
      { name: 'image[0]', text: '3', file: true },
      { name: 'mask', text: '4', file: true },
      { name: 'top_k', text: '3' },
    ]),
  );
  assert.deepEqual(await Promise.all(form.images.map((image) => image.text())), ['1', '2', '3']);
  assert.equal(await form.mask?.text(), '4');
  assert.deepEqual(form.texts, { prompt: 'a cat', top_k: '3' });
});

test('a text where a file belongs, a file where a text belongs, a name twice: refused by name', async () => {
  const image: Part = { name: 'image', text: 'x', file: true };
  const wrong: readonly Part[][] = [
    [{ name: 'mask', text: 'x' }],
    [{ name: 'image', text: 'x' }],
    [{ name: 'image[0]', text: 'x' }],
    [{ name: 'image[x]', text: 'x' }],
    [{ name: 'mask[]', text: 'x' }],
    [{ name: 'prompt', text: 'x', file: true }],
    [{ name: 'audio', text: 'x', file: true }],
    [{ name: 'constructor', text: 'x' }],
    [{ name: '__proto__', text: 'x' }],
    [{ name: 'n'.repeat(101), text: 'x' }],
    [{ name: 'prompt', text: 'x'.repeat(100_001) }],
    [
      { name: 'prompt', text: 'x' },
      { name: 'prompt', text: 'y' },
    ],
    [
      { name: 'mask', text: 'x', file: true },
      { name: 'mask', text: 'y', file: true },
    ],
  ];
  for (const parts of wrong) {
    const error = await refusal(TYPE, bodyOf([image, ...parts]));
    assert.deepEqual([statusOf(error.kind), error.details.param], [400, parts[0]?.name]);
  }
});

test('many parts and many images are refused', async () => {
  const many = (count: number, file?: true) =>
    bodyOf(
      Array.from({ length: count }, (_, index) => ({
        name: file ? 'image[]' : `f${index}`,
        text: 'x',
        ...(file ? { file } : {}),
      })),
    );
  assert.match((await refusal(TYPE, many(200))).message, /at most 64 parts/);
  assert.match((await refusal(TYPE, many(17, true))).message, /image: at most 16/);
  assert.equal(Object.keys((await readForm(TYPE, many(64))).texts).length, 64);
});

test('what is no form is refused', async () => {
  for (const type of [
    'text/plain',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'application/x-www-form-urlencoded',
  ]) {
    assert.equal((await refusal(type, bodyOf([]))).kind, 'unsupportedMediaType', type);
  }
  assert.equal((await refusal(TYPE, Buffer.from('--limit\r\nnonsense'))).kind, 'malformedBody');
});
