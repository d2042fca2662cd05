/** LangChain's ChatOpenAI and the rest of its OpenAI package. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKey, baseURL, client, pixel, receivedImage, receivedTokens } from './gateway.js';

const { ChatOpenAI, DallEAPIWrapper, OpenAIEmbeddings } = client('@langchain/openai');
const { HumanMessage, SystemMessage, ToolMessage } = client('@langchain/core/messages');
const { BaseDocumentCompressor } = client('@langchain/core/retrievers/document_compressors');
const { Document } = client('@langchain/core/documents');
const { tool } = client('@langchain/core/tools');
const { z } = client('zod');

const configuration = { baseURL };
const chat = (model, fields = {}) => new ChatOpenAI({ model, apiKey, configuration, maxRetries: 0, ...fields });
const noted = ({ usage_metadata: usage }) => receivedTokens(usage.input_tokens, usage.output_tokens);
const messages = [new SystemMessage('Be brief.'), new HumanMessage('Tell me about the sea.')];
/** The chunks of a stream as one message. */
const heard = async (stream) => {
  let whole;
  for await (const chunk of stream) whole = whole === undefined ? chunk : whole.concat(chunk);
  return whole;
};
const weather = tool(async ({ city }) => `it is sunny in ${city}`, {
  ...{ name: 'weather', description: 'The weather of a city' },
  schema: z.object({ city: z.string() }),
});

test('invoke: content, finish reason, usage', async () => {
  const answer = await chat('sim-chat').invoke(messages);
  assert.ok(answer.content.length > 10);
  assert.equal(answer.response_metadata.finish_reason, 'stop');
  noted(answer);
  const cut = await chat('sim-chat', { maxTokens: 5, temperature: 0.2 }).invoke(messages);
  assert.equal(cut.usage_metadata.output_tokens, 5);
  noted(cut);
});

test('stream: content and usage', async () => {
  const answer = await heard(await chat('sim-chat').stream(messages));
  assert.ok(answer.content.length > 10);
  noted(answer);
});

test('batch: several at once', async () => {
  const answers = await chat('sim-chat').batch([messages, messages, messages]);
  assert.equal(answers.length, 3);
  for (const answer of answers) noted(answer);
});

for (const mode of ['whole', 'streamed']) {
  test(`a tool's round trip, ${mode}`, async () => {
    const ask = (model, asked) => (mode === 'whole' ? model.invoke(asked) : model.stream(asked).then(heard));
    const asked = await ask(chat('sim-chat').bindTools([weather], { tool_choice: 'required' }), messages);
    noted(asked);
    const [call] = asked.tool_calls;
    assert.equal(call.name, 'weather');
    const result = await weather.invoke(call);
    assert.ok(result instanceof ToolMessage);
    const answered = await ask(chat('sim-chat').bindTools([weather]), [...messages, asked, result]);
    noted(answered);
    assert.match(answered.content, /sunny/);
  });
}

test('structured output, by schema, by a tool and as JSON', async () => {
  const schema = z.object({ name: z.string(), age: z.number().int() });
  for (const method of ['jsonSchema', 'functionCalling']) {
    const model = chat('sim-chat').withStructuredOutput(schema, { name: 'person', method, includeRaw: true });
    const { parsed, raw } = await model.invoke(messages);
    schema.parse(parsed);
    noted(raw);
  }
});

test('a picture to look at, in each of its forms', async () => {
  const url = `data:image/png;base64,${pixel.toString('base64')}`;
  for (const picture of [
    { type: 'image_url', image_url: { url } },
    { type: 'image_url', image_url: url },
    { type: 'image', source_type: 'base64', data: pixel.toString('base64'), mime_type: 'image/png' },
  ]) {
    const content = [{ type: 'text', text: 'What is this?' }, picture];
    const answer = await chat('sim-vision').invoke([new HumanMessage({ content })]);
    assert.ok(answer.content.length > 5);
    noted(answer);
  }
});

test('Responses: a text, a stream, tools and what they said', async () => {
  const responses = (model, fields = {}) => chat(model, { useResponsesApi: true, ...fields });
  const answer = await responses('sim-thinking').invoke(messages);
  assert.ok(answer.text.length > 10);
  noted(answer);
  const streamed = await heard(await responses('sim-chat').stream(messages));
  assert.ok(streamed.text.length > 10);
  noted(streamed);
  const asked = await responses('sim-chat').bindTools([weather]).invoke('How is the weather?');
  noted(asked);
  const [call] = asked.tool_calls;
  const answered = await responses('sim-chat')
    .bindTools([weather])
    .invoke([...messages, asked, await weather.invoke(call)]);
  noted(answered);
  assert.match(answered.text, /sunny/);
});

test('images, as a link and as base64', async () => {
  const fields = { model: 'sim-image', apiKey, baseUrl: baseURL, configuration, size: '512x512' };
  const link = await new DallEAPIWrapper({ ...fields, responseFormat: 'url' }).invoke('a cat');
  assert.match(link, /^http/);
  receivedImage(Buffer.from(await (await fetch(link)).arrayBuffer()));
  const base64 = await new DallEAPIWrapper({ ...fields, responseFormat: 'b64_json' }).invoke('a cat');
  receivedImage(Buffer.from(base64, 'base64'));
});

test('embeddings of one text and of several', async () => {
  const embeddings = new OpenAIEmbeddings({
    model: 'sim-embedding',
    dimensions: 8,
    apiKey,
    configuration,
    maxRetries: 0,
  });
  assert.equal((await embeddings.embedQuery('The sea')).length, 8);
  const vectors = await embeddings.embedDocuments(['The sea', 'A lighthouse']);
  assert.deepEqual(
    vectors.map(({ length }) => length),
    [8, 8],
  );
});

/** As in docs/clients/langchain.md. */
class GatewayRerank extends BaseDocumentCompressor {
  async compressDocuments(documents, query) {
    const texts = documents.map(({ pageContent }) => pageContent);
    const answer = await fetch(`${baseURL}/rerank`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sim-rerank', query, documents: texts, top_n: 3 }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    const { results } = await answer.json();
    return results.map(({ index, relevance_score: relevance }) => {
      const { pageContent, metadata } = documents[index];
      return new Document({ pageContent, metadata: { ...metadata, relevance } });
    });
  }
}

test('documents are ranked by a compressor over /v1/rerank', async () => {
  const texts = ['Bread is baked.', 'The sea is wide.', 'A lighthouse stands by the sea.', 'Cats sleep.'];
  const documents = texts.map((pageContent, at) => new Document({ pageContent, metadata: { at } }));
  const ranked = await new GatewayRerank().compressDocuments(documents, 'a lighthouse by the sea');
  assert.deepEqual(ranked.map(({ metadata }) => metadata.at).slice(0, 2), [2, 1]);
  assert.equal(ranked.length, 3);
  assert.ok(ranked[0].metadata.relevance > ranked[1].metadata.relevance);
});

test('errors: their status, code and message', async () => {
  await assert.rejects(chat('no-such-model').invoke(messages), (error) => {
    assert.deepEqual([error.status, error.code], [404, 'model_not_found']);
    assert.match(error.message, /no-such-model/);
    return true;
  });
  await assert.rejects(chat('sim-chat', { temperature: 9 }).invoke(messages), (error) => {
    assert.deepEqual([error.status, error.param], [400, 'temperature']);
    return true;
  });
  await assert.rejects(chat('sim-chat', { apiKey: 'ak-wrong' }).invoke(messages), { status: 401 });
});
