/** What OpenAI's client reports for a wrong call, and the list of models. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
let client: OpenAI;

before(async () => {
  simulator = await startSimulator();
  client = new OpenAI({ apiKey: 'sim-test', baseURL: `${simulator.url}/v1`, maxRetries: 0 });
});
after(() => simulator.close());

const ask = (content: string) => [{ role: 'user' as const, content }];

test('mistakes of the caller are named', async () => {
  const create = (request: object) =>
    client.post('/chat/completions', { body: { model: 'sim-chat', messages: ask('hi'), ...request } });
  const cases: [object, number, string | null, string | null][] = [
    [{ messages: undefined }, 400, 'messages', 'invalid_value'],
    [{ temperature: 3 }, 400, 'temperature', 'invalid_value'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 400, 'messages[0].role', 'invalid_value'],
    [{ model: 'gpt-unknown' }, 404, null, 'model_not_found'],
    [{ model: 'sim-small-context', messages: ask('word '.repeat(1_200)) }, 400, 'messages', 'context_length_exceeded'],
    [{ response_format: { type: 'json_object' } }, 400, 'messages', 'invalid_value'],
    [{ stream_options: { include_usage: true } }, 400, 'stream_options', 'invalid_value'],
    [{ model: 'sim-chat!no-such-fault' }, 400, null, 'invalid_value'],
  ];
  for (const [request, status, param, code] of cases) {
    await assert.rejects(create(request), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.deepEqual([error.status, error.param, error.code], [status, param, code], JSON.stringify(request));
      return true;
    });
  }
});

test('models', async () => {
  const { data } = await client.models.list();
  assert.ok(data.some((model) => model.id === 'sim-chat' && model.object === 'model'));
  assert.equal((await client.models.retrieve('sim-chat')).id, 'sim-chat');
  await assert.rejects(client.models.retrieve('nothing'), OpenAI.NotFoundError);
});
