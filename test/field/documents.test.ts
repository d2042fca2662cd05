/** Documents at every door, to models of every interface: what the model has read is what is charged. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { addProvider, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';

const SENTENCE = 'The ferry to the lighthouse leaves at half past seven from the old pier.';
const PDF = Buffer.from(`%PDF-1.4\nBT (${SENTENCE.repeat(20)}) Tj ET`);
const DATA_URL = `data:application/pdf;base64,${PDF.toString('base64')}`;
const ADDRESS = 'https://example.com/ferry.pdf';
/** Less would be a prompt without the document. */
const TOKENS_OF_PDF = 250;

const errorSchema = z.looseObject({ error: z.looseObject({ message: z.string(), param: z.string().nullish() }) });

describe('documents', () => {
  let product: Product;
  let customer: Customer;
  let client: OpenAI;
  before(async () => {
    ({ product } = await sharedProduct('field'));
    customer = await newCustomer(product.apis[0]);
    client = new OpenAI({ apiKey: customer.key, baseURL: `${url()}/v1`, maxRetries: 0, fetch: apiFetch });
    const chat = [
      { identifier: 'doc-chat', upstream: 'sim-chat' },
      { identifier: 'doc-uncounted', upstream: 'sim-chat!no-usage' },
      { identifier: 'doc-cut', upstream: 'sim-chat!cut=5' },
    ];
    await addProvider(product, { name: 'doc-chat', keys: ['sim-doc-1'], models: chat });
    const needs = { chatInterface: 'responses' } as const;
    const native = [{ identifier: 'doc-native', upstream: 'sim-chat', needs }];
    await addProvider(product, { name: 'doc-native', keys: ['sim-doc-2'], models: native });
    const claude = [{ identifier: 'doc-claude', upstream: 'sim-claude' }];
    await addProvider(product, { name: 'doc-claude', kind: 'anthropic', keys: ['sim-doc-3'], models: claude });
    const none = [{ identifier: 'doc-none', upstream: 'sim-qwen' }];
    await addProvider(product, { name: 'doc-none', kind: 'dashscope', keys: ['sim-doc-4'], models: none });
  });

  const url = () => product.apis[0]?.url ?? '';
  const post = (path: string, body: object) =>
    apiFetch(`${url()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}` },
      body: JSON.stringify(body),
    });
  const chat = (model: string, file: object) => ({
    ...{ model, max_tokens: 20 },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'When?' },
          { type: 'file', file },
        ],
      },
    ],
  });
  const response = (model: string, file: object) => ({
    ...{ model, max_output_tokens: 20, store: false },
    input: [{ role: 'user', content: [{ type: 'input_file', ...file }] }],
  });
  const message = (model: string, source: object) => ({
    ...{ model, max_tokens: 20 },
    messages: [{ role: 'user', content: [{ type: 'document', title: 'Ferry', source }] }],
  });
  /** The tokens of its prompt. */
  const charged = async (requestId: string | null): Promise<number> => {
    const tokens = async () => {
      const sql = `SELECT prompt_tokens FROM transfers WHERE kind='charge' AND id='${requestId}'`;
      return Number((await product.rows(sql))[0]?.prompt_tokens);
    };
    await until('it is charged', async () => (await tokens()) > 0);
    return tokens();
  };
  /** Served, and charged as the provider has counted it. @returns the tokens of the prompt. */
  const read = async (path: string, body: object): Promise<number> => {
    await upstream(product).forget();
    const answer = await post(path, body);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const counts = Object.values((await upstream(product).counts()).byModel);
    const counted = counts.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    const id = answer.headers.get('x-request-id');
    assert.equal(await charged(id), counted);
    return counted;
  };
  const refused = async (path: string, body: object) => {
    await upstream(product).forget();
    const answer = await post(path, body);
    const { error } = errorSchema.parse(await answer.json());
    assert.equal(answer.status, 400, error.message);
    assert.deepEqual((await upstream(product).counts()).byModel, {}, 'no provider was asked');
    return error.param ?? error.message;
  };

  test('bytes are read by models of each interface, at each door', async () => {
    const base64 = { type: 'base64', media_type: 'application/pdf', data: PDF.toString('base64') };
    for (const model of ['doc-chat', 'doc-native', 'doc-claude']) {
      const file = { filename: 'ferry.pdf', file_data: DATA_URL };
      assert.ok((await read('/v1/chat/completions', chat(model, file))) > TOKENS_OF_PDF, model);
      assert.ok((await read('/v1/responses', response(model, file))) > TOKENS_OF_PDF, model);
      assert.ok((await read('/v1/messages', message(model, base64))) > TOKENS_OF_PDF, model);
    }
  });

  test('an address is passed on where the model takes one, and refused by its name where not', async () => {
    const source = { type: 'url', url: ADDRESS };
    for (const model of ['doc-native', 'doc-claude']) {
      await read('/v1/chat/completions', chat(model, { file_data: ADDRESS }));
      await read('/v1/responses', response(model, { file_url: ADDRESS }));
      await read('/v1/messages', message(model, source));
    }
    const asked = await refused('/v1/chat/completions', chat('doc-chat', { file_data: ADDRESS }));
    assert.equal(asked, 'messages[0].content[1].file.file_data');
    const inResponse = await refused('/v1/responses', response('doc-chat', { file_url: ADDRESS }));
    assert.equal(inResponse, 'input[0].content[0].file_url');
    assert.match(await refused('/v1/messages', message('doc-chat', source)), /messages\.0\.content\.0\.source/);
  });

  test('a model that takes no documents refuses each by its name, and Claude what is no PDF', async () => {
    const file = { filename: 'ferry.pdf', file_data: DATA_URL };
    const path = 'messages[0].content[1].file.file_data';
    assert.equal(await refused('/v1/chat/completions', chat('doc-none', file)), path);
    const table = { filename: 'a.xlsx', file_data: 'data:application/vnd.ms-excel;base64,AAAA' };
    assert.equal(await refused('/v1/chat/completions', chat('doc-claude', table)), path);
    assert.equal(await refused('/v1/chat/completions', chat('doc-chat', {})), 'messages[0].content[1].file');
  });

  test('a kept file is named by its id: a PDF, or a text; by its owner alone', async () => {
    const upload = async (content: Buffer, name: string) =>
      (await client.files.create({ file: await toFile(content, name), purpose: 'user_data' })).id;
    const ids = [await upload(PDF, 'ferry.pdf'), await upload(Buffer.from(SENTENCE.repeat(20)), 'ferry.txt')];
    for (const file_id of ids) {
      for (const model of ['doc-chat', 'doc-native', 'doc-claude']) {
        assert.ok((await read('/v1/chat/completions', chat(model, { file_id }))) > TOKENS_OF_PDF, model);
        assert.ok((await read('/v1/responses', response(model, { file_id }))) > TOKENS_OF_PDF, model);
      }
    }
    for (const file_id of ids.slice(1)) {
      assert.ok((await read('/v1/chat/completions', chat('doc-none', { file_id }))) > TOKENS_OF_PDF, 'a text for all');
      assert.ok((await read('/v1/responses', response('doc-none', { file_id }))) > TOKENS_OF_PDF);
    }
    const [paper] = ids;
    const path = 'messages[0].content[1].file.file_id';
    assert.equal(await refused('/v1/chat/completions', chat('doc-none', { file_id: paper })), path);
    const unreadable = await upload(Buffer.from([0xff, 0xfe, 0xfd]), 'a.bin');
    for (const file_id of [unreadable, 'file-nothing', '../x'])
      assert.equal(await refused('/v1/chat/completions', chat('doc-chat', { file_id })), path);
    const other = await newCustomer(product.apis[0]);
    const theirs = new OpenAI({ apiKey: other.key, baseURL: `${url()}/v1`, maxRetries: 0, fetch: apiFetch });
    const file = await theirs.files.create({ file: await toFile(PDF, 'theirs.pdf'), purpose: 'user_data' });
    assert.equal(await refused('/v1/responses', response('doc-native', { file_id: file.id })), 'input[0].content');
  });

  test('where the provider does not count, the text of a kept file is counted as if it stood in the request', async () => {
    const text = Buffer.from(SENTENCE.repeat(1_000));
    const kept = await client.files.create({ file: await toFile(text, 'ferry.txt'), purpose: 'user_data' });
    const files = [
      { filename: 'ferry.txt', file_data: `data:text/plain;base64,${text.toString('base64')}` },
      { file_id: kept.id },
    ];
    const tokens = async (path: string, body: object) => {
      const answer = await post(path, body);
      await answer.text();
      return charged(answer.headers.get('x-request-id'));
    };
    for (const ask of [
      (file: object) => tokens('/v1/chat/completions', chat('doc-uncounted', file)),
      (file: object) => tokens('/v1/responses', response('doc-uncounted', file)),
      (file: object) => tokens('/v1/chat/completions', { ...chat('doc-cut', file), stream: true }),
    ]) {
      const [inline = 0, byId = 0] = [await ask(files[0] ?? {}), await ask(files[1] ?? {})];
      assert.ok(inline > 10_000 && Math.abs(inline - byId) < 10, `${inline} and ${byId}`);
    }
  });

  test('an id that can be none is refused, and ends a job, whatever its letters', async () => {
    const path = 'messages[0].content[1].file.file_id';
    for (const file_id of ['é', '文件', 'file-\u0000'])
      assert.equal(await refused('/v1/chat/completions', chat('doc-chat', { file_id })), path);
    const input = [{ role: 'user' as const, content: [{ type: 'input_file' as const, file_id: 'é' }] }];
    const begun = await client.responses.create({ model: 'doc-chat', background: true, input });
    await until('it has failed', async () => (await client.responses.retrieve(begun.id)).status === 'failed');
    const { error } = await client.responses.retrieve(begun.id);
    assert.deepEqual([error?.code, error?.message], ['invalid_prompt', 'input[0].content: there is no file é']);
  });

  test('in the background a kept file is read, too', async () => {
    const file = await client.files.create({ file: await toFile(PDF, 'ferry.pdf'), purpose: 'user_data' });
    for (const model of ['doc-chat', 'doc-native']) {
      const begun = await client.responses.create({
        ...{ model, background: true },
        input: [{ role: 'user', content: [{ type: 'input_file', file_id: file.id }] }],
      });
      await until('it has ended', async () => (await client.responses.retrieve(begun.id)).status === 'completed');
      const { usage } = await client.responses.retrieve(begun.id);
      assert.ok((usage?.input_tokens ?? 0) > TOKENS_OF_PDF, model);
    }
  });
});
