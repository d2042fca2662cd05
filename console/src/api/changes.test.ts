import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SessionOfChanges, sender } from './changes.ts';

const ADA = { userId: 7, csrfToken: 'old' };

function running(): Response {
  return Response.json({ code: 409_001, message: 'still running' }, { status: 409 });
}

/** @param now the session as the API knows it. */
function console_(answers: readonly Response[], now: SessionOfChanges | null = ADA) {
  const left = [...answers];
  const sent: string[] = [];
  const send = sender({
    send: async (request) => {
      const { method, headers } = request;
      sent.push(`${method} ${headers.get('X-CSRF-Token')} ${headers.get('Idempotency-Key')} ${await request.text()}`);
      return left.shift() ?? assert.fail('one request too many');
    },
    session: () => ADA,
    askAgain: async () => now,
    otherUser: () => new Error('somebody else'),
    pause: async () => undefined,
  });
  return { send, sent };
}

function change(): Request {
  return new Request('http://gateway.test/v1', { method: 'POST', body: 'x', headers: { 'Idempotency-Key': 'k' } });
}

const refused = () => new Response(null, { status: 403 });

test('a change that is still running under its key is waited for, and its answer is the one that counts', async () => {
  const { send, sent } = console_([running(), running(), new Response('done')]);
  assert.equal(await (await send(change())).text(), 'done');
  assert.deepEqual(sent, Array(3).fill('POST old k x'));
});

test('any other conflict is reported at once, with its text', async () => {
  const { send, sent } = console_([Response.json({ code: 500_006 }, { status: 409 })]);
  assert.deepEqual(await (await send(change())).json(), { code: 500_006 });
  assert.equal(sent.length, 1);
});

test('a change whose CSRF token is out of date is repeated with that of the new session', async () => {
  const { send, sent } = console_([refused(), new Response('done')], { ...ADA, csrfToken: 'new' });
  assert.equal((await send(change())).status, 200);
  assert.deepEqual(sent, ['POST old k x', 'POST new k x']);
});

test('a change is never repeated in the name of another user', async () => {
  for (const now of [{ userId: 8, csrfToken: 'new' }, null]) {
    const { send, sent } = console_([refused()], now);
    await assert.rejects(send(change()), /somebody else/);
    assert.equal(sent.length, 1);
  }
});

test('what the role forbids is reported, and not tried again', async () => {
  const { send, sent } = console_([refused()]);
  assert.equal((await send(change())).status, 403);
  assert.equal(sent.length, 1);
});
