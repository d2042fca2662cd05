import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestFor } from './fit.ts';
import { type Candidate, clampPlan, planChat } from './plan.ts';
import { TEST_MODEL } from './test-model.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];
const RICH = 10n ** 18n;

function sent(model: Partial<Candidate>, fields: object, available = RICH) {
  const body = { messages: MESSAGES, ...fields };
  const limit = 'max_tokens' in body && typeof body.max_tokens === 'number' ? body.max_tokens : undefined;
  const asked = { size: { textBytes: 10, images: 0 }, maxTokens: limit, choices: 1 };
  const plan = planChat([{ ...TEST_MODEL, price: { ...TEST_MODEL.price, output: 10n ** 12n }, ...model }], asked);
  const [candidate] = (plan.holdAmount <= available ? plan : clampPlan(plan, asked, available, 0))?.candidates ?? [];
  assert.ok(candidate);
  const { body: fitted, ownLimit } = requestFor(candidate, body, { streamed: false, translated: false });
  return { sent: fitted.max_tokens, said: ownLimit };
}

test('a limit that nobody asked for is not sent: it may be above what the model allows', () => {
  assert.deepEqual(sent({}, {}), { sent: undefined, said: undefined });
  assert.deepEqual(sent({ maxOutputTokens: 100_000 }, {}), { sent: undefined, said: undefined });
});

test('the limit that an administrator set for such calls is sent and said', () => {
  assert.deepEqual(sent({ defaultMaxTokens: 2_048 }, {}), { sent: 2_048, said: 2_048 });
});

test("the caller's limit is sent, brought down to what the model allows, which is said", () => {
  assert.deepEqual(sent({ maxOutputTokens: 2_048 }, { max_tokens: 1_000 }), { sent: 1_000, said: undefined });
  assert.deepEqual(sent({ maxOutputTokens: 2_048 }, { max_tokens: 9_000 }), { sent: 2_048, said: 2_048 });
});

test('a balance that does not cover the most that there may be sets a limit, which is said', () => {
  // A token of an answer costs 1,000,000.
  assert.deepEqual(sent({}, {}, 1_000_000_000n), { sent: 999, said: 999 });
});

test('changes for a vendor are reported together with those for a model', () => {
  const asked = { messages: MESSAGES, stop: [' ', 'END'], seed: 1, max_tokens: 5 };
  const claude = { ...TEST_MODEL, maxTokens: 5, kind: 'anthropic', needs: { refusedFields: ['seed'] } } as const;
  const { body, fits } = requestFor(claude, asked, { streamed: false, translated: false });
  assert.deepEqual([body.stop, fits], [['END'], ['left-out:seed', 'left-out:stop']]);
  const other = requestFor({ ...claude, kind: 'openai' }, asked, { streamed: false, translated: false });
  assert.deepEqual([other.body.stop, other.fits], [[' ', 'END'], ['left-out:seed']]);
});
