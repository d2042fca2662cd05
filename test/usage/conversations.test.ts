import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conversationRoutes } from '../../api/routes/conversations.ts';
import { messagesOf, newConversationId } from '../../core/conversations/conversation.ts';
import { Conversations } from '../../core/conversations/conversations.ts';
import { KeptResponses } from '../../core/conversations/kept-responses.ts';
import { ConversationStore } from '../../core/conversations/store.ts';
import { until } from '../until.ts';
import { type RouteApp, routeApp, withKeyOf } from './route-app.ts';
import { connected, SILENT, type UsageWorld, usageWorld } from './usage-world.ts';

const ANN = withKeyOf(1);
const BEN = withKeyOf(2);
const PATH = '/v1/conversations';
type Row = Record<string, unknown>;

describe('kept conversations', () => {
  let world: UsageWorld;
  let app: RouteApp;
  let store: ConversationStore;
  let conversations: Conversations;
  before(async () => {
    world = await usageWorld('usage_conversations_test');
    const mongo = world.mongo();
    store = new ConversationStore(mongo);
    conversations = new Conversations(store);
    await connected(mongo);
    app = await routeApp(conversationRoutes({ conversations }, { APP_TIME_ZONE: 'Asia/Shanghai' }));
  });
  after(async () => {
    app.close();
    await world.close();
  });

  const create = async (who = ANN, body?: object) => (await app.ask('POST', PATH, who, body)).data as Row;
  const list = async (path: string, who = ANN) => (await app.ask('GET', path, who)).data as Row[];
  const idOf = (conversation: Row) => String(conversation.conversationId);

  test('one begins with a default title, also without a body', async () => {
    const made = await create();
    assert.match(idOf(made), /^c_[0-9a-f]{32}$/);
    assert.equal(made.title, '新会话');
    assert.deepEqual([made.pinned, made.messageCount, made.lastMessageSummary], [false, 0, null]);
    assert.match(String(made.createdAt), /\+08:00$/);
    assert.equal((await create(ANN, { title: ' ' })).title, '新会话');
    assert.equal((await create(ANN, { title: 'Plans' })).title, 'Plans');
    assert.equal((await app.ask('POST', PATH, ANN, { title: 'x'.repeat(201) })).status, 400);
  });

  test('messages come oldest first, go back by time, and are counted', async () => {
    const id = idOf(await create());
    for (const turn of [1, 2, 3]) {
      await conversations.append(1, id, `turn-${turn}`, [
        { role: 'user', content: `question ${turn}`, imageUrls: ['http://x/1.png'] },
        {
          role: 'assistant',
          content: `answer ${turn}`,
          modelIdentifier: 'm',
          promptTokens: 5,
          completionTokens: 7,
          cost: 9_007_199_254_740_993n,
        },
      ]);
    }
    const all = await list(`${PATH}/${id}/messages`);
    const texts = (rows: Row[]) => rows.map(({ content }) => content);
    assert.deepEqual(
      texts(all),
      [1, 2, 3].flatMap((turn) => [`question ${turn}`, `answer ${turn}`]),
    );
    const raw = await app.ask('GET', `${PATH}/${id}/messages?limit=1`, ANN);
    assert.match(raw.text, /"cost":9007199\.254740993\D/);
    const before = encodeURIComponent(String(all[3]?.createdAt));
    assert.deepEqual(texts(await list(`${PATH}/${id}/messages?limit=2&before=${before}`)), ['answer 1', 'question 2']);
    const context = await conversations.recentContext(1, id, 3);
    assert.deepEqual(
      context.map(({ content }) => content),
      ['answer 2', 'question 3', 'answer 3'],
    );
    const [newest] = await list(`${PATH}/recent?limit=1`);
    assert.deepEqual(
      [newest?.conversationId, newest?.messageCount, newest?.lastMessageSummary, newest?.lastModelIdentifier],
      [id, 6, 'answer 3', 'm'],
    );
  });

  test('the messages of a call that runs again are kept once', async () => {
    const id = idOf(await create());
    const pair = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ];
    await conversations.append(1, id, 'again', pair);
    await conversations.append(1, id, 'again', pair);
    assert.equal((await list(`${PATH}/${id}/messages`)).length, 2);
    assert.equal((await conversations.find(1, id)).messageCount, 2);
  });

  test('an append that was interrupted between messages and count is made whole by the next try', async () => {
    const id = idOf(await create());
    const pair = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ];
    for (const done of [1, 2]) {
      const messages = messagesOf(id, `cut-${done}`, pair, new Date(), Date.now());
      await store.addMessages(messages.slice(0, done));
      await conversations.append(1, id, `cut-${done}`, pair);
      const { messageCount, lastMessageSummary } = await conversations.find(1, id);
      assert.deepEqual([messageCount, lastMessageSummary], [2 * done, 'a']);
      assert.equal((await list(`${PATH}/${id}/messages`)).length, 2 * done);
    }
  });

  test('turns that end at once are all counted, and pages show each of their messages', async () => {
    const id = idOf(await create());
    const pair = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ];
    const turns = Array.from({ length: 8 }, (_, turn) => turn);
    await Promise.all(turns.map((turn) => conversations.append(1, id, `at-once-${turn}`, pair)));
    assert.equal((await conversations.find(1, id)).messageCount, 16);
    const at = Date.now() + 1_000;
    for (const turn of turns) await store.addMessages(messagesOf(id, `same-time-${turn}`, pair, new Date(), at));
    const seen: string[] = [];
    for (let before: Date | undefined; ; ) {
      const page = await conversations.messages(1, id, 3, before);
      if (page.length === 0) break;
      seen.push(...page.map(({ messageId }) => messageId));
      before = page[0]?.createdAt;
    }
    assert.equal(seen.length, 32);
    assert.equal(new Set(seen).size, 32);
  });

  test('a conversation can begin with its first messages, once, and never over another’s', async () => {
    const id = newConversationId();
    const said = [{ role: 'user', content: 'q' }];
    await assert.rejects(conversations.append(1, id, 'r', said), { kind: 'notFound' });
    await Promise.all([1, 2].map((call) => conversations.append(1, id, `r-${call}`, said, 'A title')));
    const begun = await conversations.find(1, id);
    assert.deepEqual([begun.title, begun.messageCount], ['A title', 2]);
    await assert.rejects(conversations.append(2, id, 'r-3', said, 'mine now'), { kind: 'notFound' });
    await conversations.delete(1, id);
    await assert.rejects(conversations.append(1, id, 'r-4', said, 'A title'), { kind: 'notFound' });
  });

  test('pinned ones come first; a renamed one is not newer', async () => {
    const first = idOf(await create(BEN, { title: 'first' }));
    const second = idOf(await create(BEN, { title: 'second' }));
    const third = idOf(await create(BEN, { title: 'third' }));
    const pinned = await app.ask('PATCH', `${PATH}/${first}`, BEN, { pinned: true });
    assert.deepEqual([(pinned.data as Row).pinned, (pinned.data as Row).title], [true, 'first']);
    await app.ask('PATCH', `${PATH}/${second}`, BEN, { title: 'renamed' });
    const order = (await list(`${PATH}/recent`, BEN)).map((row) => row.title);
    assert.deepEqual(order, ['first', 'third', 'renamed']);
    const [, newest] = await list(`${PATH}/recent?limit=2`, BEN);
    const older = await list(`${PATH}/recent?before=${encodeURIComponent(String(newest?.lastActiveAt))}`, BEN);
    assert.deepEqual(
      older.map((row) => row.title),
      ['renamed'],
      'the list goes on behind the pinned ones',
    );
    assert.equal((await app.ask('DELETE', `${PATH}/${third}`, BEN)).status, 200);
    assert.equal((await list(`${PATH}/recent`, BEN)).length, 2);
    for (const [method, path] of [
      ['DELETE', third],
      ['PATCH', third],
      ['GET', `${third}/messages`],
    ] as const) {
      assert.equal((await app.ask(method, `${PATH}/${path}`, BEN, method === 'PATCH' ? {} : undefined)).status, 404);
    }
  });

  test("another user's conversation is not there", async () => {
    const id = idOf(await create());
    assert.equal((await app.ask('GET', `${PATH}/${id}/messages`, BEN)).status, 404);
    assert.equal((await app.ask('PATCH', `${PATH}/${id}`, BEN, { title: 'mine' })).status, 404);
    assert.equal((await app.ask('DELETE', `${PATH}/${id}`, BEN)).status, 404);
    await assert.rejects(conversations.append(2, id, 'r', [{ role: 'user', content: 'x' }]), { kind: 'notFound' });
    await assert.rejects(conversations.recentContext(2, id), { kind: 'notFound' });
    assert.equal((await app.ask('GET', `${PATH}/c_nothing/messages`, ANN)).status, 404);
    // What a query of MongoDB would take for an operator is only a text here.
    assert.equal((await app.ask('GET', `${PATH}/${encodeURIComponent('{"$ne":null}')}/messages`, ANN)).status, 404);
    assert.equal((await conversations.find(1, id)).title, '新会话');
  });

  test('kept responses of a user have a quota: the oldest give way, those of others stay', async () => {
    const mongo = world.mongo();
    const kept = new KeptResponses(mongo, SILENT, 10_000);
    await connected(mongo);
    const keep = async (userId: number, id: string) => {
      const before = Date.now();
      await kept.keep({ id, userId, earlier: [], earlierSize: 0, input: 'é'.repeat(500), response: 'x'.repeat(1_000) });
      // Their order is that of milliseconds.
      await until('the clock has gone on', async () => Date.now() > before);
    };
    await keep(8, 'other');
    for (let index = 0; index < 12; index += 1) await keep(7, `r${index}`);
    const left: string[] = [];
    for (let index = 0; index < 12; index += 1) if (await kept.find(7, `r${index}`)) left.push(`r${index}`);
    assert.deepEqual(left, ['r7', 'r8', 'r9', 'r10', 'r11']);
    assert.ok(await kept.find(8, 'other'));
  });

  test('while MongoDB is away these routes answer 503 soon, and serve again afterwards', async () => {
    const id = idOf(await create());
    world.wire.cut();
    const started = performance.now();
    assert.equal((await app.ask('GET', `${PATH}/recent`, ANN)).status, 503);
    const answer = await app.ask('POST', PATH, ANN);
    assert.equal(answer.status, 503);
    assert.match(answer.text, /"code":900001/);
    assert.ok(performance.now() - started < 4_000);
    await world.wire.mend();
    const deadline = Date.now() + 10_000;
    let status = 503;
    while (status === 503 && Date.now() < deadline)
      status = (await app.ask('GET', `${PATH}/${id}/messages`, ANN)).status;
    assert.equal(status, 200);
  });
});
