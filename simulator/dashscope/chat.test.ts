/** DashScope's compatible chat, read by OpenAI's client. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());

test('compatible chat: thinking, usage null on every chunk, the error form', async () => {
  const client = new OpenAI({ apiKey: 'sim-test', baseURL: `${simulator.url}/compatible-mode/v1`, maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: '介绍长江' }];
  const raw = await fetch(`${simulator.url}/compatible-mode/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-test' },
    body: JSON.stringify({ model: 'qwen-plus', messages, stream: true, enable_thinking: true }),
  });
  const chunks = [...(await raw.text()).matchAll(/^data: (\{.*)$/gm)].map((line) => JSON.parse(line[1] ?? ''));
  assert.ok(chunks.every((chunk) => chunk.usage === null && chunk.system_fingerprint === null));
  assert.ok(
    chunks.some((chunk) => chunk.choices[0].delta.reasoning_content && chunk.choices[0].delta.content === null),
  );
  const plain = await client.chat.completions.create({ model: 'qwen-plus', messages });
  assert.equal(plain.usage?.completion_tokens_details?.reasoning_tokens, 0);
  await assert.rejects(client.chat.completions.create({ model: 'qwen3-32b', messages }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, 'invalid_parameter_error');
    assert.match(error.message, /enable_thinking must be set to false/);
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model: 'qwen-plus!overdue', messages }), {
    code: 'Arrearage',
    status: 400,
  });
  await assert.rejects(client.chat.completions.create({ model: 'nothing', messages }), OpenAI.NotFoundError);
});
