/** What is read for a request that goes on from kept responses, and how long it is counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessKeyCaller } from '../../../core/accounts/caller.ts';
import type { KeptResponse } from '../../../core/conversations/kept-responses.ts';
import { AppError, type ErrorKind } from '../../../infra/errors.ts';
import { HeldBytes } from '../../../infra/held-bytes.ts';
import { TEST_MODEL } from '../test-model.ts';
import { responsesInput } from './request.ts';
import { Responses } from './responses.ts';

const ID = '0123456789abcdef0123456789abcdef';
const ITEM = `msg_${ID}_i0`;
const BYTES = 600;
/** Room for two such responses; one user may have a quarter of it. */
const ROOM = 4 * (BYTES + 100);

const callerOf = (userId: number): AccessKeyCaller => ({
  ...{ kind: 'access-key', userId, accountId: userId, accessKeyId: userId, allowedModels: null },
  ...{ rpmLimit: null, tpmLimit: null, parallelLimit: null, budget: null, budgetPeriod: null },
});
const kept = (userId: number): KeptResponse => ({
  ...{ id: ID, userId, earlier: [], earlierSize: 0 },
  input: JSON.stringify([{ type: 'message', id: ITEM, role: 'user', content: 'x'.repeat(BYTES - 120) }]),
  response: JSON.stringify({ output: [] }),
});

/** @param counted whether the size is known before it is read. */
function responsesWith(counted = true) {
  const read: number[] = [];
  const unasked = () => Promise.reject(new Error('nobody is asked here'));
  const responses = new Responses({
    models: {
      named: ({ identifier }) => {
        if (identifier === 'm') return TEST_MODEL;
        throw new AppError('modelNotFound', 'there is no such model');
      },
      capable: () => [TEST_MODEL],
      pricedAt: async () => [],
    },
    held: new HeldBytes(ROOM),
    ...{ chat: { complete: unasked }, chatStreams: { open: unasked }, costShown: undefined },
    keptResponses: {
      bytesOf: async () => (counted ? BYTES : undefined),
      find: async (userId) => {
        read.push(userId);
        return kept(userId);
      },
      keep: async () => undefined,
      remove: async () => true,
    },
    ofJob: async () => undefined,
  });
  return { responses, read };
}

const going = (more: object = {}) =>
  responsesInput({ model: 'm', input: 'x', previous_response_id: `resp_${ID}`, ...more }, 0);
const referring = () => going({ previous_response_id: null, input: [{ type: 'item_reference', id: ITEM }] });
const refused = (kind: ErrorKind) => (error: unknown) => error instanceof AppError && error.kind === kind;
const count = async ({ items }: { readonly items: readonly unknown[] }) => items.length;

test('a model that is not there is said before anything is read', async () => {
  const { responses, read } = responsesWith();
  await assert.rejects(responses.prepared(callerOf(1), going({ model: 'nope' }), count), refused('modelNotFound'));
  assert.deepEqual(read, []);
  assert.equal(await responses.prepared(callerOf(1), going(), count), 2);
});

test('what is gone on from counts while its request runs, for its user and for all, and is not read without room', async () => {
  for (const ask of [going, referring]) {
    const { responses, read } = responsesWith();
    const ends = new Map<number, () => void>();
    const running = (userId: number) =>
      new Promise<() => Promise<unknown>>((begun) => {
        const done: Promise<unknown> = responses.prepared(callerOf(userId), ask(), async () => {
          await new Promise<void>((resolve) => {
            ends.set(userId, resolve);
            begun(() => done);
          });
        });
      });
    const first = await running(1);
    await assert.rejects(responses.prepared(callerOf(1), ask(), count), refused('tooManyRequests'));
    assert.deepEqual(read, [1]);
    for (const userId of [2, 3, 4]) await running(userId);
    await assert.rejects(responses.prepared(callerOf(5), ask(), count), refused('unavailable'));
    assert.deepEqual(read, [1, 2, 3, 4]);
    ends.get(1)?.();
    await first();
    assert.ok(await responses.prepared(callerOf(1), ask(), count));
  }
});

test('a stream counts until it has ended, however it ends; so does what has told no size before', async () => {
  const { responses } = responsesWith(false);
  for (const end of ['resolve', 'reject'] as const) {
    const stream = Promise.withResolvers<void>();
    await responses.prepared(callerOf(1), going(), async (_, held) => held.until(stream.promise));
    const large = going({ input: [{ type: 'item_reference', id: ITEM }] });
    await assert.rejects(responses.prepared(callerOf(1), large, count), refused('tooManyRequests'));
    stream[end]();
    await stream.promise.catch(() => undefined);
    assert.equal(await responses.prepared(callerOf(1), going(), count), 2);
  }
});
