import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EmbeddingRequest } from '../provider.ts';
import { API_KEY, failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { sentJson, testOutbound } from '../test-outbound.ts';

const VECTORS = [
  [0.5, -0.25],
  [1, 0],
];
const BASE64 = VECTORS.map((vector) => Buffer.from(Float32Array.from(vector).buffer).toString('base64'));
const NOT_A_NUMBER = Buffer.from(Float32Array.from([Number.NaN]).buffer).toString('base64');
const usage = { prompt_tokens: 3, total_tokens: 3 };
const REQUEST: EmbeddingRequest = { input: ['a', 'b'], encoding: 'float', extra: {} };

function member(embedding: unknown, index?: number) {
  return { object: 'embedding', embedding, ...(index === undefined ? {} : { index }) };
}

async function embed(data: unknown, request: Partial<EmbeddingRequest> = {}, status = 200, chunkBytes = 1_000_000) {
  const body = JSON.stringify(status === 200 ? { object: 'list', model: 'up', data, usage } : data);
  const headers = { 'content-type': 'application/json' };
  const { outbound, sent } = testOutbound([{ status, headers, body, chunkBytes }]);
  const adapter = testAdapters(outbound).embedding.openai;
  const answer = await adapter.embed(testTarget('openai', 'm'), { ...REQUEST, ...request }, testContext());
  return { answer, sent };
}

async function embeddings(data: unknown, request: Partial<EmbeddingRequest> = {}) {
  const { list } = (await embed(data, request)).answer;
  assert.ok(Array.isArray(list.data));
  return list.data.map(({ index, embedding }) => [index, embedding]);
}

test('a caller gets the encoding that was asked for, whatever the provider gives', async () => {
  const floats = VECTORS.map((vector, index) => [index, vector]);
  const texts = BASE64.map((text, index) => [index, text]);
  const [numbersGiven, textsGiven] = [VECTORS, BASE64].map((all) => all.map((one, index) => member(one, index)));
  assert.deepEqual(await embeddings(numbersGiven), floats);
  assert.deepEqual(await embeddings(textsGiven), floats);
  assert.deepEqual(await embeddings(numbersGiven, { encoding: 'base64' }), texts);
  assert.deepEqual(await embeddings(textsGiven, { encoding: 'base64' }), texts);
});

test('vectors come in the order of the texts, by their index where there is one', async () => {
  const [first, second] = VECTORS;
  assert.deepEqual(await embeddings([member(second, 1), member(first, 0)]), [
    [0, first],
    [1, second],
  ]);
  assert.deepEqual(await embeddings([member(first), member(second)]), [
    [0, first],
    [1, second],
  ]);
});

test('many vectors are asked for in base64, because as numbers they may be too large to be read', async () => {
  const encodingFor = async (count: number) => {
    const input = Array.from({ length: count }, () => 'a');
    const data = input.map((_, index) => member(VECTORS[0], index));
    const { answer, sent } = await embed(data, { input });
    assert.ok(Array.isArray(answer.list.data));
    assert.deepEqual(answer.list.data.at(-1).embedding, VECTORS[0]);
    const body = sentJson(sent[0]);
    return typeof body === 'object' && body !== null && 'encoding_format' in body ? body.encoding_format : undefined;
  };
  assert.deepEqual([await encodingFor(256), await encodingFor(257)], [undefined, 'base64']);
});

test('what was asked for in base64 and comes as numbers is read, wherever its chunks end', async () => {
  const input = Array.from({ length: 300 }, (_, index) => `text ${index}`);
  const vectors = input.map((_, index) => [index / 8, 1 - index, 1e-3]);
  const data = vectors.map((vector, index) => ({ ...member(vector, index), note: '\u00e9[1] "embedding":[2' }));
  for (const chunkBytes of [1, 7, 64, 1_000_000]) {
    const { answer } = await embed(data, { input, encoding: 'base64' }, 200, chunkBytes);
    const texts = vectors.map((vector) => Buffer.from(Float32Array.from(vector).buffer).toString('base64'));
    assert.ok(Array.isArray(answer.list.data));
    assert.deepEqual(
      answer.list.data.map(({ embedding, note }) => [embedding, note]),
      texts.map((text, index) => [text, data[index]?.note]),
    );
    assert.equal(answer.usage?.promptTokens, 3);
  }
  const broken = embed([...data.slice(1), member(['no'], 0)], { input }, 200, 7);
  await assert.rejects(broken, failedWith('transient', /300 vectors for 300 texts/));
});

test('a list of numbers is one text, a list of lists several', async () => {
  assert.equal((await embeddings([member(VECTORS[0], 0)], { input: [1, 2, 3] })).length, 1);
  assert.equal(
    (
      await embeddings(
        VECTORS.map((one) => member(one)),
        { input: [[1], [2, 3]] },
      )
    ).length,
    2,
  );
});

test('a missing vector, or none at all, is a failure of the provider', async () => {
  const [first] = VECTORS;
  for (const data of [
    [member(first, 0)],
    [member(first, 0), member([], 1)],
    [member(first, 0), member('x', 1)],
    [],
    null,
    'no',
  ])
    await assert.rejects(embed(data), failedWith('transient', /vectors for 2 texts/));
  for (const encoding of ['float', 'base64'] as const) {
    for (const none of ['', '!!!', '[0.1,0.2]', 'AAA=', NOT_A_NUMBER, [1e39], [null], ['1']]) {
      const answer = embed([member(first, 0), member(none, 1)], { encoding });
      await assert.rejects(answer, failedWith('transient', /2 vectors for 2 texts/), `${encoding} ${none}`);
    }
  }
});

test('indexes that do not name each text are passed over for the order', async () => {
  const [first, second] = VECTORS;
  for (const [one, two] of [
    [0, 0],
    [1, 2],
    [7, undefined],
  ] as const) {
    assert.deepEqual(await embeddings([member(first, one), member(second, two)]), [
      [0, first],
      [1, second],
    ]);
  }
});

test('a byte order mark is read over, a page names the base URL', async () => {
  const read = async (body: string) => {
    const { outbound } = testOutbound([{ status: 200, headers: { 'content-type': 'application/json' }, body }]);
    return testAdapters(outbound).embedding.openai.embed(testTarget('openai', 'm'), REQUEST, testContext());
  };
  const data = VECTORS.map((one) => member(one));
  const { usage: counted } = await read(`\uFEFF${JSON.stringify({ data, usage, service_tier: 'Flex' })}`);
  assert.deepEqual([counted?.promptTokens, counted?.serviceTier], [3, 'flex']);
  await assert.rejects(read('<!doctype html><p>Hello'), failedWith('unusable', /base URL/));
});

test('its errors are classified as those of a chat, and a key in them is hidden', async () => {
  const error = {
    error: {
      message: `Incorrect API key provided: ${API_KEY}`,
      type: 'invalid_request_error',
      code: 'invalid_api_key',
    },
  };
  await assert.rejects(embed(error, {}, 401), failedWith('account', /Incorrect API key provided: \[hidden\]/));
});

test('fields of the provider pass through, the model and the encoding are ours', async () => {
  const { sent } = await embed(
    VECTORS.map((one) => member(one)),
    { extra: { dimensions: 2, model: 'other' } },
  );
  assert.partialDeepStrictEqual(sentJson(sent[0]), {
    ...{ model: 'm', input: ['a', 'b'], dimensions: 2 },
  });
});
