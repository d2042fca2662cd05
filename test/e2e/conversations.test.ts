import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { messagesOf as messagesOfCall } from '../../core/conversations/conversation.ts';
import { Conversations } from '../../core/conversations/conversations.ts';
import { ConversationStore } from '../../core/conversations/store.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectMongo } from '../../infra/mongo/connection.ts';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product, startProduct } from './product.ts';
import { addProvider, upstream } from './upstream.ts';

const keptSchema = z.object({
  assistantMessage: z.string(),
  conversationId: z.string(),
  messageId: z.string(),
  inputTokensCount: z.number(),
  cost: z.number(),
});
const messageSchema = z.object({
  messageId: z.string(),
  role: z.string(),
  content: z.string(),
  reasoningContent: z.string().optional(),
  modelIdentifier: z.string().nullable(),
  promptTokens: z.number().nullable(),
  cost: z.number().nullable(),
});
const summarySchema = z.object({ conversationId: z.string(), title: z.string(), messageCount: z.number() });

describe('chats of kept conversations', () => {
  let product: Product;
  let customer: Customer;
  let simulator: ReturnType<typeof upstream>;
  before(async () => {
    product = await startProduct({ name: 'kept-chats', settings: { WRITER_TTL: '2s', REGISTRATION_GRANT: '100' } });
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
  });
  after(() => product.close());

  const api = () => product.apis[0];
  const chat = (body: object, key = customer.key) =>
    call(api(), 'POST', '/v1/chat', { key, body: { modelIdentifier: 'sim-chat', ...body } });
  const kept = async (body: object) => {
    const answer = await chat({ persistHistory: true, ...body });
    assert.equal(answer.status, 200, answer.message);
    return keptSchema.parse(answer.data);
  };
  const messagesOf = async (conversationId: string) => {
    const answer = await call(api(), 'GET', `/v1/conversations/${conversationId}/messages`, { key: customer.key });
    return z.array(messageSchema).parse(answer.data);
  };
  const summaryOf = async (conversationId: string) => {
    const answer = await call(api(), 'GET', '/v1/conversations/recent', { key: customer.key });
    return z
      .array(summarySchema)
      .parse(answer.data)
      .find((one) => one.conversationId === conversationId);
  };
  const v2 = (body: object) =>
    apiFetch(`${api()?.url}/v2/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key },
      body: JSON.stringify({ model: 'sim-chat', ...body }),
    });
  const chargesOf = async () => {
    const [row] = await product.rows("SELECT COUNT(*) AS n FROM transfers WHERE kind='charge'");
    return Number(row?.n);
  };

  test('a conversation begins with its first message and goes on with what was said', async () => {
    const first = await kept({ userMessage: 'My name is Ann.' });
    assert.match(first.conversationId, /^c_[0-9a-f]{32}$/);
    assert.equal((await summaryOf(first.conversationId))?.title, 'My name is Ann.');
    const second = await kept({ userMessage: 'What is my name?', conversationId: first.conversationId });
    assert.equal(second.conversationId, first.conversationId);
    assert.ok(second.inputTokensCount > first.inputTokensCount + 5, 'the model reads the first turn');
    const messages = await messagesOf(first.conversationId);
    assert.deepEqual(
      messages.map(({ role, content }) => [role, content]),
      [
        ['user', 'My name is Ann.'],
        ['assistant', first.assistantMessage],
        ['user', 'What is my name?'],
        ['assistant', second.assistantMessage],
      ],
    );
    assert.deepEqual([messages[1]?.messageId, messages[3]?.messageId], [first.messageId, second.messageId]);
    assert.deepEqual([messages[1]?.cost, messages[3]?.cost], [first.cost, second.cost], 'each message has its cost');
    assert.deepEqual([messages[3]?.modelIdentifier, messages[3]?.promptTokens], ['sim-chat', second.inputTokensCount]);
    assert.equal((await summaryOf(first.conversationId))?.messageCount, 4);
  });

  test('at most the last ten messages are the context, and none where the caller sends a history', async () => {
    const { conversationId } = await kept({ userMessage: `long ${'word '.repeat(300)}` });
    for (let turn = 0; turn < 5; turn += 1) await kept({ userMessage: `turn ${turn}`, conversationId });
    const eleventh = await kept({ userMessage: 'and now?', conversationId });
    assert.ok(eleventh.inputTokensCount < 700, 'the long first message is sent no more');
    const alone = await kept({ userMessage: 'and now?', conversationId, history: [{ role: 'user', content: 'hi' }] });
    assert.ok(alone.inputTokensCount < 50, `${alone.inputTokensCount} tokens`);
  });

  test('without persistHistory nothing is read or kept', async () => {
    const { conversationId } = await kept({ userMessage: 'remember' });
    const answer = await chat({ userMessage: 'hello', conversationId });
    assert.equal('conversationId' in z.object({}).loose().parse(answer.data), false);
    assert.equal((await messagesOf(conversationId)).length, 2);
  });

  test('another user’s conversation is a 404 before anything is paid', async () => {
    const { conversationId } = await kept({ userMessage: 'mine' });
    const other = await newCustomer(api());
    const before = await chargesOf();
    for (const path of ['/v1/chat', '/v1/async/chat']) {
      const body = { userMessage: 'yours?', persistHistory: true, conversationId };
      const answer = await call(api(), 'POST', path, { key: other.key, body });
      assert.deepEqual([answer.status, answer.code], [404, 500002], path);
    }
    assert.equal(
      (await v2({ messages: [{ role: 'user', content: 'x' }], persist_history: true, conversation_id: 'c_0' })).status,
      404,
    );
    assert.equal(await chargesOf(), before);
  });

  test('OpenAI’s form: the answer and the last chunk carry the conversation', async () => {
    const first = await v2({ messages: [{ role: 'user', content: 'hello' }], persist_history: true });
    const whole = z
      .looseObject({ conversation_id: z.string(), choices: z.array(z.unknown()) })
      .parse(await first.json());
    const raw = await v2({
      messages: [
        { role: 'system', content: 'be kind' },
        { role: 'user', content: 'go on' },
      ],
      stream: true,
      persist_history: true,
      conversation_id: whole.conversation_id,
    });
    const events = (await raw.text()).split('\n\n').filter((event) => event.startsWith('data: '));
    assert.equal(events.at(-1), 'data: [DONE]');
    const last = z
      .looseObject({ conversation_id: z.string(), choices: z.array(z.looseObject({ finish_reason: z.string() })) })
      .parse(JSON.parse(events.at(-2)?.slice(6) ?? ''));
    assert.equal(last.conversation_id, whole.conversation_id);
    assert.ok(events.slice(0, -2).every((event) => !event.includes('conversation_id')));
    const roles = (await messagesOf(whole.conversation_id)).map(({ role }) => role);
    assert.deepEqual(roles, ['user', 'assistant', 'user', 'assistant'], 'instructions are not kept');
  });

  test('what a thinking model said to itself is kept beside its answer', async () => {
    await addProvider(product, {
      name: 'thinking',
      keys: ['sim-thinks'],
      models: [{ identifier: 'thinker', upstream: 'sim-chat-thinking' }],
    });
    const answer = await kept({ userMessage: 'think', modelIdentifier: 'thinker' });
    const [, said] = await messagesOf(answer.conversationId);
    assert.ok((said?.reasoningContent ?? '').length > 0);
    const stream = await v2({
      model: 'thinker',
      messages: [{ role: 'user', content: 'again' }],
      stream: true,
      persist_history: true,
      conversation_id: answer.conversationId,
    });
    await stream.text();
    const messages = await messagesOf(answer.conversationId);
    assert.equal(messages.length, 4);
    assert.ok((messages[3]?.reasoningContent ?? '').length > 0);
  });

  test('a client that leaves its stream finds the turn in the conversation all the same', async () => {
    const { conversationId } = await kept({ userMessage: 'begin' });
    const leaving = new AbortController();
    const answer = await apiFetch(`${api()?.url}/v2/chat/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key },
      body: JSON.stringify({
        model: 'sim-chat',
        messages: [{ role: 'user', content: 'and on' }],
        persist_history: true,
        conversation_id: conversationId,
      }),
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    await until('the turn is kept', async () => (await messagesOf(conversationId)).length === 4);
  });

  test('a job of a conversation reads it and adds its turn once, also over a worker’s death', async () => {
    const { conversationId, inputTokensCount } = await kept({ userMessage: 'a first word, before the job' });
    const submit = async (userMessage: string) => {
      const body = { userMessage, persistHistory: true, conversationId, modelIdentifier: 'sim-chat' };
      const answer = await call(api(), 'POST', '/v1/async/chat', { key: customer.key, body });
      return z.object({ jobId: z.string() }).parse(answer.data).jobId;
    };
    const job = await jobEnd(api(), customer.key, await submit('and a job'));
    const result = keptSchema.parse(job.resultPayload);
    assert.equal(result.conversationId, conversationId);
    assert.ok(result.inputTokensCount > inputTokensCount + 5, 'the model reads the first turn');
    await until('its turn is kept', async () => (await messagesOf(conversationId)).length === 4);
    assert.equal((await messagesOf(conversationId))[3]?.messageId, result.messageId);

    await simulator.fault({ fault: 'slow-chunks', value: 300, model: 'sim-chat' });
    const killed = await submit('a slow one');
    await until('it is under way', async () => {
      const [row] = await product.rows(`SELECT provider_attempts AS n FROM jobs WHERE id='${killed}'`);
      return Number(row?.n) === 1;
    });
    await product.worker.kill('SIGKILL');
    await simulator.noFaults();
    await product.worker.start();
    assert.equal((await jobEnd(api(), customer.key, killed)).status, 'COMPLETED');
    await until('its turn is kept', async () => (await messagesOf(conversationId)).length === 6);
    // Messages are counted after they have been added.
    await until('its turn is counted', async () => (await summaryOf(conversationId))?.messageCount === 6);
    assert.equal((await messagesOf(conversationId)).length, 6);
  });

  test('MongoDB away: 503 before anything is paid where the context is needed; afterwards all goes on', async () => {
    const { conversationId } = await kept({ userMessage: 'before' });
    const mongo = product.stack.part('mongo');
    const before = await chargesOf();
    await mongo.kill('SIGKILL');
    try {
      await until('it is seen', async () => {
        const answer = await chat({ userMessage: 'now', persistHistory: true, conversationId });
        return answer.status === 503 && answer.code === 900001;
      });
      assert.equal((await chat({ userMessage: 'a new one', persistHistory: true })).status, 503);
      assert.equal((await chat({ userMessage: 'not kept' })).status, 200);
      assert.equal(await chargesOf(), before + 1);
    } finally {
      await mongo.start();
    }
    await until(
      'it is back',
      async () => (await chat({ userMessage: 'x', persistHistory: true, conversationId })).status === 200,
    );
  });

  test('MongoDB dies during a call: the answer is given, and the turn added when it is back; a job’s too', async () => {
    const { conversationId } = await kept({ userMessage: 'before' });
    const mongo = product.stack.part('mongo');
    await simulator.fault({ fault: 'latency', value: 1_500, model: 'sim-chat' });
    await simulator.forget();
    const body = { userMessage: 'a job', persistHistory: true, conversationId };
    const submitted = await call(api(), 'POST', '/v1/async/chat', { key: customer.key, body });
    const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
    const answering = chat({ userMessage: 'during', persistHistory: true, conversationId });
    await until(
      'both are at the provider',
      async () => ((await simulator.counts()).byModel['sim-chat']?.calls ?? 0) >= 2,
    );
    await mongo.kill('SIGKILL');
    try {
      assert.equal((await answering).status, 200);
      assert.equal((await jobEnd(api(), customer.key, jobId)).status, 'COMPLETED');
    } finally {
      await simulator.noFaults();
      await mongo.start();
    }
    const readable = async () =>
      (await call(api(), 'GET', `/v1/conversations/${conversationId}/messages`, { key: customer.key })).status === 200;
    await until('MongoDB is back', readable);
    await until('both turns are kept', async () => (await messagesOf(conversationId)).length === 6);
    const contents = (await messagesOf(conversationId)).map(({ content }) => content);
    assert.ok(contents.includes('during') && contents.includes('a job'));
    await until('both turns are counted', async () => (await summaryOf(conversationId))?.messageCount === 6);
  });

  test('a conversation that was deleted a month ago goes with its messages, and nothing else does', async () => {
    const mongo = connectMongo(product.config, createLogger('silent'));
    try {
      const store = new ConversationStore(mongo);
      const reached = () =>
        store.assertReachable().then(
          () => true,
          () => false,
        );
      await until('MongoDB answers', reached);
      const userId = 4_000_000;
      const day = (ago: number) => new Date(Date.now() - ago * 86_400_000);
      const ids = ['c_live', 'c_deleted', 'c_gone'] as const;
      for (const conversationId of ids) {
        const at = day(90);
        const none = { pinned: false, lastModelIdentifier: null, lastMessageSummary: null, messageCount: 0 };
        const times = { lastActiveAt: at, createdAt: at, updatedAt: at };
        await store.insert(userId, { conversationId, title: conversationId, ...none, ...times });
        const said = [{ role: 'user', content: conversationId }];
        await store.addMessages(messagesOfCall(conversationId, conversationId, said, at, Date.now()));
      }
      await store.change('c_deleted', { deletedAt: day(29) });
      await store.change('c_gone', { deletedAt: day(31) });
      assert.equal(await store.count(userId, 2), 2, 'counted up to a bound');
      assert.equal(await new Conversations(store).removeDeleted(50), 1);
      assert.equal(await store.count(userId, 10), 2);
      assert.deepEqual(await Promise.all(ids.map((id) => store.countMessages(id))), [1, 1, 0]);
      assert.equal((await store.find(userId, 'c_live'))?.title, 'c_live');
    } finally {
      await mongo.close();
    }
  });
});
