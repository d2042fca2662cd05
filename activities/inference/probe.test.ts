import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAdapters } from '../../core/providers/test-calls.ts';
import { testOutbound } from '../../core/providers/test-outbound.ts';
import { createLogger } from '../../infra/logger.ts';
import { createProbe } from './probe.ts';

const target = { kind: 'openai', urlBase: 'https://a.example/v1', apiKey: 'sk-x', model: 'm', needs: {} } as const;

function probed(choice: object, apiKey: string = target.apiKey) {
  const completion = { id: 'c', object: 'chat.completion', choices: [{ index: 0, ...choice }] };
  const headers = { 'content-type': 'application/json' };
  const { outbound } = testOutbound([{ headers, body: JSON.stringify(completion) }]);
  const probe = createProbe(testAdapters(outbound), createLogger('silent'));
  return probe({ ...target, apiKey }, 'text-to-text', AbortSignal.timeout(5_000));
}

test('an answer that a call would not be charged for is none here', async () => {
  const message = { content: '' };
  const { ok, failure } = await probed({ message, finish_reason: 'stop' });
  assert.deepEqual([ok, failure], [false, 'empty']);
  assert.equal((await probed({ message, finish_reason: 'length' })).ok, true);
  assert.equal((await probed({ message: { content: 'ok' }, finish_reason: 'stop' })).ok, true);
});

test('a key that the provider repeats in its answer is not shown, also where the answer is cut', async () => {
  const apiKey = '1b2c3d4e-0000-4000-8000-1234567890ab';
  const said = async (content: string) => (await probed({ message: { content } }, apiKey)).answer;
  assert.equal(await said(`you sent Bearer ${apiKey}`), 'you sent Bearer [hidden]');
  assert.equal(await said(`${'x'.repeat(190)}${apiKey}`), `${'x'.repeat(190)}[hidden]`);
});
