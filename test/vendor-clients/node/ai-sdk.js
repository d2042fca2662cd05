/** Vercel's AI SDK, with its OpenAI provider and its provider for compatible servers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiKey, baseURL, client, pixel, receivedImage, receivedTokens } from './gateway.js';

const { APICallError, Output, embedMany, generateImage, generateText, stepCountIs, streamText, tool } = client('ai');
const { createOpenAI } = client('@ai-sdk/openai');
const { createOpenAICompatible } = client('@ai-sdk/openai-compatible');
const { z } = client('zod');

const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({
  ...{ name: 'gateway', baseURL, apiKey },
  ...{ includeUsage: true, supportsStructuredOutputs: true },
});
const PROVIDERS = [
  { name: '@ai-sdk/openai', chat: openai, image: openai.image, embedding: openai.embedding },
  { name: '@ai-sdk/openai, chats', chat: openai.chat, image: openai.image, embedding: openai.embedding },
  {
    name: '@ai-sdk/openai-compatible',
    chat: compatible,
    image: compatible.imageModel,
    embedding: compatible.textEmbeddingModel,
  },
];
const prompt = 'Tell me about the sea.';
const noted = ({ inputTokens, outputTokens }) => receivedTokens(inputTokens, outputTokens);

for (const { name, chat, image, embedding } of PROVIDERS) {
  describe(name, () => {
    test('generateText: text, finish reason, usage', async () => {
      const { text, finishReason, usage, response } = await generateText({ model: chat('sim-chat'), prompt });
      assert.ok(text.length > 10);
      assert.equal(finishReason, 'stop');
      assert.equal(response.modelId, 'sim-chat');
      noted(usage);
      const cut = await generateText({ model: chat('sim-chat'), prompt, maxOutputTokens: 5, temperature: 0.2 });
      assert.deepEqual([cut.finishReason, cut.usage.outputTokens], ['length', 5]);
      noted(cut.usage);
    });

    test('streamText: parts, text, usage', async () => {
      const stream = streamText({ model: chat('sim-chat'), system: 'Be brief.', prompt });
      let text = '';
      for await (const part of stream.textStream) text += part;
      assert.ok(text.length > 10);
      assert.equal(await stream.finishReason, 'stop');
      noted(await stream.usage);
    });

    test('reasoning of a thinking model, whole and streamed', async () => {
      const model = chat('sim-thinking');
      const { text, reasoningText, usage } = await generateText({ model, prompt });
      assert.ok(text.length > 10);
      assert.ok(usage.outputTokenDetails.reasoningTokens > 0);
      noted(usage);
      const stream = streamText({ model, prompt });
      await stream.consumeStream();
      noted(await stream.usage);
      // OpenAI itself does not show thoughts in chats, so its own provider has no place for them.
      if (name === '@ai-sdk/openai, chats') return;
      assert.ok(reasoningText.length > 10);
      assert.ok((await stream.reasoningText).length > 10);
    });

    for (const [mode, model] of ['whole', 'streamed'].flatMap((each) => [
      [each, 'sim-chat'],
      [each, 'sim-native'],
    ])) {
      test(`a tool's round trip with ${model}, ${mode}`, async () => {
        const asked = [];
        const options = {
          ...{ model: chat(model), prompt: 'What is the weather in Hamburg?', stopWhen: stepCountIs(2) },
          prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'auto' }),
          tools: {
            weather: tool({
              description: 'The weather of a city',
              inputSchema: z.object({ city: z.string() }),
              execute: async ({ city }) => {
                asked.push(city);
                return { weather: 'sunny' };
              },
            }),
          },
        };
        const result = mode === 'whole' ? await generateText(options) : streamText(options);
        if (mode === 'streamed') await result.consumeStream();
        assert.equal(asked.length, 1);
        assert.match(await result.text, /sunny/);
        for (const step of await result.steps) noted(step.usage);
        assert.equal((await result.steps).length, 2);
      });

      test(`an object by its schema, ${mode}`, async () => {
        const schema = z.object({ name: z.string(), age: z.number().int() });
        const options = { model: chat('sim-chat'), prompt, output: Output.object({ schema }) };
        const result = mode === 'whole' ? await generateText(options) : streamText(options);
        if (mode === 'streamed') await result.consumeStream();
        schema.parse(await result.output);
        noted(await result.usage);
      });
    }

    test('a picture to look at', async () => {
      const content = [
        { type: 'text', text: 'What is this?' },
        { type: 'file', data: pixel, mediaType: 'image/png' },
      ];
      const { text, usage } = await generateText({ model: chat('sim-vision'), messages: [{ role: 'user', content }] });
      assert.ok(text.length > 5);
      noted(usage);
    });

    test('generateImage: made and edited', async () => {
      const made = await generateImage({ model: image('sim-image'), prompt: 'a cat', n: 2, size: '512x512' });
      assert.equal(made.images.length, 2);
      for (const { uint8Array } of made.images) receivedImage(uint8Array);
      const edited = await generateImage({
        model: image('sim-image'),
        prompt: { text: 'in snow', images: [made.image.uint8Array, pixel] },
      });
      receivedImage(edited.image.uint8Array);
    });

    test('embedMany: a vector for each text', async () => {
      const values = ['The sea', 'A lighthouse'];
      const { embeddings, usage } = await embedMany({ model: embedding('sim-embedding'), values });
      assert.equal(embeddings.length, 2);
      assert.ok(embeddings[0].length > 1 && usage.tokens > 0);
    });

    test('errors: their status, message and whether they are repeated', async () => {
      const refused = async (work, status, message) => {
        await assert.rejects(work, (error) => {
          assert.ok(APICallError.isInstance(error), String(error));
          assert.equal(error.statusCode, status);
          assert.match(error.message, message);
          assert.equal(error.isRetryable, false);
          return true;
        });
      };
      await refused(generateText({ model: chat('no-such-model'), prompt }), 404, /no-such-model/);
      await refused(generateText({ model: chat('sim-chat'), prompt, temperature: 9 }), 400, /temperature/);
      await refused(generateImage({ model: image('sim-chat'), prompt }), 400, /sim-chat/);
      const stranger = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: 'ak-wrong' });
      await refused(generateText({ model: stranger('sim-chat'), prompt }), 401, /key/);
      const failures = [];
      const onError = ({ error }) => failures.push(error.statusCode);
      await streamText({ model: chat('no-such-model'), prompt, onError }).consumeStream();
      assert.deepEqual(failures, [404]);
    });
  });
}

test('by default: thoughts go back sealed where nothing is kept, and references lead to what is', async () => {
  const model = openai('sim-thinking');
  for (const store of [true, false]) {
    const providerOptions = { openai: { store, include: store ? [] : ['reasoning.encrypted_content'] } };
    const options = {
      ...{ model, prompt: 'What is the weather in Hamburg?', providerOptions, stopWhen: stepCountIs(2) },
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'auto' }),
      tools: { weather: tool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'sunny' }) },
    };
    const { steps, text, warnings } = await generateText(options);
    assert.deepEqual([steps.length, warnings?.length ?? 0], [2, 0]);
    assert.match(text, /sunny/);
    assert.ok(steps[0].reasoningText.length > 10);
    for (const { usage } of steps) noted(usage);
  }
});

test('by default: documents are read', async () => {
  const { usage } = await generateText({
    ...{ model: openai('sim-chat'), maxRetries: 0 },
    messages: [
      {
        role: 'user',
        content: [{ type: 'file', data: Buffer.from('%PDF-1.7'), mediaType: 'application/pdf', filename: 'a.pdf' }],
      },
    ],
  });
  noted(usage);
});
