/** Every fault on the wire, as a caller without any client library sees it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(() => control('POST', '/control/reset'));

async function control(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${simulator.url}${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  const reply = (await response.json()) as Record<string, unknown>;
  assert.equal(response.status, 200, JSON.stringify(reply));
  return reply;
}

function chat(
  model: string,
  options: { key?: string; stream?: boolean; signal?: AbortSignal } = {},
): Promise<Response> {
  const { key = 'sim-test', stream = false, signal = AbortSignal.timeout(10_000) } = options;
  return fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    signal,
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model,
      stream,
      messages: [{ role: 'user', content: 'Tell me something' }],
      ...(stream ? { stream_options: { include_usage: true } } : {}),
    }),
  });
}

/** The data of each event, and whether the connection was cut. */
async function events(response: Response): Promise<{ data: string[]; cut: boolean }> {
  let text = '';
  let cut = false;
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
  } catch {
    cut = true;
  }
  return { data: [...text.matchAll(/^data: (.*)$/gm)].map((line) => line[1] ?? ''), cut };
}

const errorReplies: [string, number, string | null][] = [
  ['429', 429, 'rate_limit_exceeded'],
  ['429-bare', 429, 'rate_limit_exceeded'],
  ['quota', 429, 'insufficient_quota'],
  ['400', 400, 'invalid_value'],
  ['401', 401, 'invalid_api_key'],
  ['403', 403, 'unsupported_country_region_territory'],
  ['overdue', 429, 'billing_not_active'],
  ['404', 404, 'model_not_found'],
  ['refused', 400, 'content_policy_violation'],
  ['500', 500, null],
  ['503', 503, null],
  ['504', 504, null],
  ['200-error', 200, null],
];
for (const [fault, status, code] of errorReplies) {
  test(`${fault} answers ${status} in OpenAI's form`, async () => {
    const response = await chat(`sim-chat!${fault}`);
    assert.equal(response.status, status);
    const { error } = (await response.json()) as { error: { message: string; code: string | null } };
    assert.equal(error.code, code);
    assert.ok(error.message.length > 10);
    assert.equal(response.headers.get('retry-after'), fault === '429' ? '1' : null);
  });
}

test('429=7 says to come back in seven seconds', async () => {
  assert.equal((await chat('sim-chat!429=7')).headers.get('retry-after'), '7');
});

test('502-html answers as a proxy does', async () => {
  const response = await chat('sim-chat!502-html');
  assert.equal(response.status, 502);
  assert.match(await response.text(), /^<html>/);
});

test('hang never answers, reset closes the connection', async () => {
  await assert.rejects(chat('sim-chat!hang', { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
  await assert.rejects(chat('sim-chat!reset'), TypeError);
});

test('cut: a JSON body stops half way, a stream after the chunks asked for', async () => {
  await assert.rejects((await chat('sim-chat!cut')).text());
  const { data, cut } = await events(await chat('sim-chat!cut=5', { stream: true }));
  assert.equal(data.length, 5);
  assert.ok(cut);
});

test('clean-cut ends a stream as if it were whole', async () => {
  const { data, cut } = await events(await chat('sim-chat!clean-cut=4', { stream: true }));
  assert.equal(data.length, 4);
  assert.ok(!cut);
  assert.ok(!data.some((line) => line === '[DONE]' || line.includes('"finish_reason":"stop"')));
});

test('error-in-stream sends an error event after the chunks asked for', async () => {
  const { data } = await events(await chat('sim-chat!error-in-stream=2', { stream: true }));
  assert.equal(data.length, 3);
  assert.equal(JSON.parse(data[2] ?? '').error.type, 'server_error');
});

test('malformed breaks the JSON of a reply, and of the second event only', async () => {
  await assert.rejects((await chat('sim-chat!malformed')).json(), SyntaxError);
  const { data } = await events(await chat('sim-chat!malformed', { stream: true }));
  const broken = data
    .filter((line) => line !== '[DONE]')
    .map((line) => {
      try {
        JSON.parse(line);
        return false;
      } catch {
        return true;
      }
    });
  assert.deepEqual(
    broken.flatMap((isBroken, index) => (isBroken ? [index] : [])),
    [1],
  );
});

test('latency, slow-first-token and slow-chunks wait where they say', async () => {
  const timed = async (model: string) => {
    const startedAt = performance.now();
    const response = await chat(model, { stream: true });
    const headersMs = performance.now() - startedAt;
    await events(response);
    return { headersMs, totalMs: performance.now() - startedAt };
  };
  const latency = await timed('sim-chat!latency=150');
  assert.ok(latency.headersMs >= 149, `headers after ${latency.headersMs} ms`);
  const first = await timed('sim-chat!slow-first-token=300');
  assert.ok(first.headersMs < 250 && first.totalMs >= 299, JSON.stringify(first));
  const chunks = await timed('sim-chat!slow-chunks=3!length=8');
  assert.ok(chunks.totalMs >= 20, JSON.stringify(chunks));
});

test('empty and no-choices', async () => {
  const empty = (await (await chat('sim-chat!empty')).json()) as {
    choices: { message: { content: string } }[];
    usage: object;
  };
  assert.equal(empty.choices[0]?.message.content, '');
  const none = (await (await chat('sim-chat!no-choices')).json()) as { choices: unknown[] };
  assert.deepEqual(none.choices, []);
});

test('absurd usage is reported, the journal keeps the true one', async () => {
  const usageOf = async (fault: string) => {
    const reply = (await (await chat(`sim-chat!${fault}`)).json()) as { usage?: { completion_tokens: unknown } };
    return reply.usage?.completion_tokens;
  };
  assert.equal(await usageOf('negative-usage'), -1_000);
  assert.equal(await usageOf('zero-usage'), 0);
  assert.equal(await usageOf('huge-usage'), Number.MAX_SAFE_INTEGER);
  assert.equal(await usageOf('text-usage'), 'many');
  assert.equal(await usageOf('no-usage'), undefined);
  assert.ok(!Number.isInteger(await usageOf('fractional-usage')));
  const { entries } = (await control('GET', '/control/journal')) as {
    entries: { usage: { completionTokens: number } }[];
  };
  assert.equal(entries.length, 6);
  assert.equal(new Set(entries.map((entry) => entry.usage.completionTokens)).size, 1);
  const { data } = await events(await chat('sim-chat!no-usage', { stream: true }));
  assert.ok(!data.some((line) => line.includes('prompt_tokens')));
});

test('length and cached', async () => {
  const reply = (await (await chat('sim-chat!length=600!cached=5')).json()) as {
    usage: { completion_tokens: number; prompt_tokens_details: { cached_tokens: number } };
  };
  assert.ok(reply.usage.completion_tokens > 300);
  assert.equal(reply.usage.prompt_tokens_details.cached_tokens, 5);
});

test('a rule for a key and a number of calls', async () => {
  await control('POST', '/control/faults', { fault: '500', key: 'sim-bad', calls: 2 });
  const statuses: number[] = [];
  for (const key of ['sim-good', 'sim-bad', 'sim-bad', 'sim-bad'])
    statuses.push((await chat('sim-chat', { key })).status);
  assert.deepEqual(statuses, [200, 500, 500, 200]);
});

test('a rule for a model and a share of calls, until it is cleared', async () => {
  const { id } = await control('POST', '/control/faults', { fault: '503', model: 'sim-chat-mini', share: 0.5 });
  const failures = async (model: string) => {
    let failed = 0;
    for (let call = 0; call < 60; call += 1) {
      const response = await chat(model);
      await response.arrayBuffer();
      if (response.status === 503) failed += 1;
    }
    return failed;
  };
  const failed = await failures('sim-chat-mini');
  assert.ok(failed > 15 && failed < 45, `${failed} of 60 failed`);
  assert.equal(await failures('sim-chat'), 0);
  assert.deepEqual(await control('DELETE', `/control/faults?id=${id}`), { cleared: 1 });
  assert.equal(await failures('sim-chat-mini'), 0);
});

test('a fault of a vendor changes the request check, usage, whole answer, stream and bytes', async () => {
  const refused = await fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-test' },
    body: JSON.stringify({
      model: 'sim-chat+needs-max-completion-tokens',
      max_tokens: 5,
      messages: [{ role: 'user', content: 'hello' }],
    }),
  });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /max_completion_tokens/);

  const counted = (await (await chat('sim-chat+reasoning-outside=7')).json()) as {
    usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  };
  assert.equal(counted.usage.total_tokens, counted.usage.prompt_tokens + counted.usage.completion_tokens + 7);

  const whole = (await (await chat('sim-chat+tools-without-index')).json()) as {
    choices: { message: { tool_calls: { id: string }[] } }[];
  };
  assert.deepEqual(
    whole.choices[0]?.message.tool_calls.map(({ id }) => id),
    ['call_1', 'call_2'],
  );
  const streamed = await events(await chat('sim-chat+tools-without-index', { stream: true }));
  assert.equal(streamed.data.filter((line) => line.includes('"tool_calls":[')).length, 2);
  assert.ok(streamed.data.some((line) => line.includes('"completion_tokens"')));
  assert.equal(streamed.data.at(-1), '[DONE]');

  const lines = await (await chat('sim-chat+ndjson')).text();
  assert.ok(
    lines
      .trimEnd()
      .split('\n')
      .every((line) => JSON.parse(line).object === 'chat.completion.chunk'),
  );
  const event = await (await chat('sim-chat+sse-for-json+br')).text();
  assert.match(event, /^data: /);
});

test('every fault says in the table what it does', async () => {
  const table = Object.entries(await control('GET', '/control/faults/table'));
  assert.ok(table.length > 60);
  for (const [name, fault] of table) assert.ok((fault as { does?: string }).does, name);
});

test('keys: unknown, revoked, overdue, limited, valid again', async () => {
  const status = async (key: string) => (await chat('sim-chat', { key })).status;
  assert.equal(await status('other'), 401);
  await control('POST', '/control/keys', { key: 'sim-a', state: 'revoked' });
  assert.equal(await status('sim-a'), 401);
  await control('POST', '/control/keys', { key: 'sim-a', state: 'overdue' });
  assert.equal(await status('sim-a'), 429);
  await control('POST', '/control/keys', { key: 'sim-a', state: 'limited', requests: 2, windowMs: 60_000 });
  assert.deepEqual([await status('sim-a'), await status('sim-a')], [200, 200]);
  const refused = await chat('sim-chat', { key: 'sim-a' });
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) > 50);
  assert.equal(refused.headers.get('x-ratelimit-remaining-requests'), '0');
  await control('POST', '/control/keys', { key: 'sim-a', state: 'valid' });
  assert.equal(await status('sim-a'), 200);
});

test('a key that is not ours is not written down', async () => {
  await (await chat('sim-chat', { key: 'sk-someones-real-key' })).arrayBuffer();
  const journal = JSON.stringify(await control('GET', '/control/journal'));
  assert.ok(!journal.includes('someones'));
  assert.ok(journal.includes('sk-s…'));
});

test('a wrong control request is refused with a reason', async () => {
  const response = await fetch(`${simulator.url}/control/faults`, { method: 'POST', body: '{"fault":"none"}' });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /control\/faults\/table/);
});
