import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { costOf, NO_RATES } from '../../core/ledger/price.ts';
import { readableMessage } from '../../core/providers/message.ts';
import type { CountedTokens, ReportedUsage } from '../../core/providers/provider.ts';
import { readUsage } from '../../core/providers/usage.ts';
import { deliveredTexts } from './chat.ts';
import { type Candidate, planChat, promptSize } from './plan.ts';
import { TEST_MODEL } from './test-model.ts';
import { estimateUsage, usageOf } from './usage.ts';

const body = { messages: [{ role: 'user', content: 'Tell me about the sea.' }] };
const answer = 'word '.repeat(50);
const candidate = { ...TEST_MODEL, maxTokens: 100 };
const NOTHING: CountedTokens = {
  ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, hourCacheWriteTokens: 0 },
  ...{ reasoningTokens: 0, searches: 0, serviceTier: null, unexplainedTokens: 0, isPartial: false, impossible: null },
};

/** The tokens that are charged, and the doubt that the operator sees. */
function judgedAs(
  usage: ReportedUsage,
  texts: readonly string[] = [answer],
  asked: object = {},
  served: Candidate = candidate,
) {
  const doubts: string[] = [];
  const judged = usageOf({ ...body, ...asked }, { usage, texts }, served, (doubt) => doubts.push(doubt));
  assert.deepEqual(doubts, judged.doubt === null ? [] : [judged.doubt]);
  return judged;
}

function judged(promptTokens: number, completionTokens: number, texts: readonly string[] = [answer]) {
  return judgedAs({ ...NOTHING, promptTokens, completionTokens }, texts);
}

const counts = (usage: ReturnType<typeof judged>) => [
  usage.promptTokens,
  usage.completionTokens,
  usage.estimated,
  usage.doubt,
];

test('a provider’s count is believed, a little more than was held for too', () => {
  for (const [prompt, completion] of [
    [5, 51],
    [500, 1],
    [5, 250],
  ] as const) {
    assert.deepEqual(counts(judged(prompt, completion)), [prompt, completion, false, null]);
  }
});

test('a count of nothing is believed only where nothing was said', () => {
  const { promptTokens, completionTokens, doubt } = judged(0, 0);
  assert.ok(promptTokens > 5, String(promptTokens));
  assert.deepEqual([completionTokens, doubt], [51, 'too-small']);
  assert.equal(judged(0, 40).completionTokens, 40, 'the half that was counted stands');
  assert.deepEqual(counts(judged(9, 0)), [9, 51, true, 'too-small']);
  assert.deepEqual(counts(judged(9, 0, [''])), [9, 0, false, null]);
});

test('a count far beyond what the call may take stays, and is marked', () => {
  for (const [prompt, completion] of [
    [19_000_000, 7],
    [5, 20_000_000],
    [5, 2_000],
  ] as const) {
    assert.deepEqual(counts(judged(prompt, completion)), [prompt, completion, false, 'too-large']);
  }
  const beyond = { ...NOTHING, promptTokens: 19_000_000, completionTokens: 1, isPartial: true };
  assert.equal(judgedAs(beyond).doubt, 'too-large', 'also where the rest of it is ours');
});

test('without a limit in the request a hidden thought may be as long as the model can', () => {
  const usage = { ...NOTHING, promptTokens: 5, completionTokens: 30_000 };
  const able = { ...candidate, maxOutputTokens: 32_000 };
  const doubtOf = (asked: object) =>
    usageOf({ ...body, ...asked }, { usage, texts: [answer] }, able, () => undefined).doubt;
  assert.deepEqual([doubtOf({}), doubtOf({ max_tokens: 100 })], [null, 'too-large']);
});

test('thoughts that a limit does not cover are paid for when they were delivered', () => {
  assert.deepEqual(counts(judged(5, 5_000, [answer, 'thought '.repeat(4_900)])), [5, 5_000, false, null]);
});

test('what only the total counts is a thought as far as the call may think', () => {
  const usage = { ...NOTHING, promptTokens: 8, completionTokens: 11 };
  const able: Candidate = { ...candidate, maxOutputTokens: 32_000 };
  const charged = (unexplainedTokens: number, asked: object, served = able, prompt = 8) =>
    counts(judgedAs({ ...usage, promptTokens: prompt, unexplainedTokens }, [answer], asked, served));
  const limited = { max_tokens: 100 };
  assert.deepEqual(charged(824, {}), [8, 835, false, 'unexplained']);
  assert.deepEqual(charged(89, {}, candidate), [8, 100, false, 'unexplained'], 'no limit is known but the planned one');
  assert.deepEqual(charged(90, {}, candidate), [8, 11, false, 'unexplained']);
  assert.deepEqual(charged(900_000, {}), [8, 11, false, 'unexplained']);
  assert.deepEqual(charged(89, limited), [8, 100, false, 'unexplained']);
  assert.deepEqual(charged(90, limited), [8, 11, false, 'unexplained'], 'a token beyond the limit');
  assert.deepEqual(charged(189, { ...limited, n: 2 }), [8, 200, false, 'unexplained'], 'each choice has the limit');
  assert.deepEqual(charged(20, limited, able, 500), [500, 11, false, 'unexplained'], 'a prompt beyond what was held');
  const hidden = { ...NOTHING, promptTokens: 8, unexplainedTokens: 60 };
  assert.deepEqual(counts(judgedAs(hidden)), [8, 60, false, 'unexplained']);
  const beyond = judgedAs({ ...hidden, unexplainedTokens: 995 }, [answer], limited);
  assert.deepEqual(counts(beyond), [8, 51, true, 'too-small'], 'a completion beyond the limit is counted here');
});

test('what was counted so far is a part of an answer that was not counted to its end', () => {
  const partial = { ...NOTHING, promptTokens: 700, completionTokens: 3, isPartial: true };
  assert.deepEqual(counts(judgedAs(partial)), [700, 51, true, 'missing']);
  const hidden = { ...partial, completionTokens: 400 };
  assert.deepEqual(counts(judgedAs(hidden)), [700, 400, true, 'missing']);
  assert.deepEqual(counts(judgedAs({ ...partial, promptTokens: 30, unexplainedTokens: 77 })), [
    30,
    80,
    true,
    'missing',
  ]);
});

test('a usage that never came, or is none, is counted here and marked', () => {
  const own = estimateUsage(body, [answer], null);
  assert.deepEqual(judgedAs(undefined), { ...own, doubt: 'missing' });
  const nonsense = { ...NOTHING, impossible: '["-1",null]' };
  assert.deepEqual(judgedAs(nonsense), { ...own, doubt: 'impossible' });
  assert.deepEqual(judgedAs({ ...nonsense, isPartial: true }), { ...own, doubt: 'impossible' });
});

test('the half of a usage that is a count stands beside ours', () => {
  const half = { ...NOTHING, promptTokens: 700, cachedTokens: 600, impossible: '[700,-1]' };
  assert.deepEqual(counts(judgedAs(half)), [700, 51, true, 'impossible']);
  assert.equal(judgedAs(half).cachedTokens, 600);
  const other = judgedAs({ ...NOTHING, completionTokens: 40, impossible: '["10",40]' });
  assert.deepEqual([other.completionTokens, other.estimated, other.doubt], [40, true, 'impossible']);
  assert.ok(other.promptTokens > 5, String(other.promptTokens));
});

test('a total alone is charged as it is, the answer as what was delivered of it', () => {
  const total = (unexplainedTokens: number) => counts(judgedAs({ ...NOTHING, unexplainedTokens, isPartial: true }));
  assert.deepEqual(total(300), [249, 51, true, 'missing']);
  assert.deepEqual(total(40), [0, 40, true, 'missing']);
  const zeros = readUsage({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 300 });
  assert.deepEqual(counts(judgedAs(zeros)), [249, 51, true, 'missing']);
  const texts = readUsage({ prompt_tokens: '9', completion_tokens: 'many', total_tokens: 300 });
  assert.deepEqual(counts(judgedAs(texts)), [249, 51, true, 'impossible']);
  const served = { ...NOTHING, unexplainedTokens: 300, isPartial: true, serviceTier: 'priority' };
  assert.equal(judgedAs(served).serviceTier, 'priority');
  const nothing = judgedAs({ ...NOTHING, isPartial: true });
  assert.deepEqual(nothing, { ...estimateUsage(body, [answer], null), doubt: 'too-small' });
});

test('the tier that served is the one that was asked for, where the provider does not say it', () => {
  const tier = (served: string | null, asked: unknown) =>
    judgedAs({ ...NOTHING, promptTokens: 5, serviceTier: served }, [''], { service_tier: asked }).serviceTier;
  assert.deepEqual(
    [tier('default', 'priority'), tier(null, 'Priority'), tier(null, 'auto'), tier(null, undefined)],
    ['default', 'priority', null, null],
  );
  assert.deepEqual(
    [tier(null, 'batch'), tier(null, 'Batch'), tier('batch', 'batch')],
    [null, null, 'batch'],
    'the price of a batch is not had by asking',
  );
});

const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(9_000)}` } };
const withImage = { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] }] };

describe('images', () => {
  /** Prices of 1,000 and 10,000 nano-units a token. */
  const price = { ...NO_RATES, id: 1, input: 1_000_000_000n, output: 10_000_000_000n };
  const chargeOf = (model: Candidate, promptTokens: number) => {
    const usage = usageOf(
      withImage,
      { usage: { ...NOTHING, promptTokens, completionTokens: 20 }, texts: [answer] },
      model,
      () => undefined,
    );
    const held = planChat([model], { size: promptSize(withImage), maxTokens: 100, choices: 1 }).holdAmount;
    return { cost: costOf(price, usage), held, doubt: usage.doubt };
  };

  test('the dearest known image is charged as it was counted, and was held for', () => {
    const { cost, held, doubt } = chargeOf({ ...candidate, price, tokensPerImage: null }, 36_848);
    assert.deepEqual([cost, doubt], [37_048_000n, null]);
    assert.ok(held >= cost, `${held} held`);
  });

  test('a model’s own figure bounds what is believed', () => {
    const model = { ...candidate, price, tokensPerImage: 1_000 };
    assert.deepEqual(chargeOf(model, 900).doubt, null);
    assert.equal(chargeOf(model, 36_848).doubt, 'too-large');
    assert.ok(chargeOf(model, 900).held < 3_000_000n);
  });

  test('are counted by the model’s figure where the provider does not count', () => {
    const counted = (tokensPerImage: number | null) => estimateUsage(withImage, [answer], tokensPerImage).promptTokens;
    assert.equal(counted(2_000) - counted(1_000), 1_000);
    assert.ok(counted(1_000) > 1_003 && counted(1_000) < 1_100, String(counted(1_000)));
    assert.ok(counted(null) > counted(1_000));
  });
});

test('our own count has every part of a request that a model reads, and no other', () => {
  const plain = estimateUsage(body, [], null).promptTokens;
  const text = 'a word of a schema '.repeat(20);
  for (const reported of [
    { tools: [{ type: 'function', function: { name: 'f', description: text } }] },
    { response_format: { type: 'json_schema', json_schema: { description: text } } },
    { documents: [{ text }] },
  ]) {
    assert.ok(estimateUsage({ ...body, ...reported }, [], null).promptTokens > plain + 80, Object.keys(reported)[0]);
  }
  for (const other of [{ metadata: { text } }, { user: text }, { stop: [text] }, { temperature: 1 }]) {
    assert.equal(estimateUsage({ ...body, ...other }, [], null).promptTokens, plain, Object.keys(other)[0]);
  }
});

test('everything that was delivered is counted', () => {
  const message = (fields: object) => ({ choices: [{ index: 0, message: { role: 'assistant', ...fields } }] });
  for (const fields of [
    { content: 'a word' },
    { content: null, reasoning_content: 'a word' },
    { content: '', reasoning: 'a word' },
    { refusal: 'a word' },
    { content: null, function_call: { name: 'f', arguments: '{"a":"word"}' } },
    { content: [{ type: 'text', text: 'a word' }] },
    { tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":"word"}' } }] },
  ]) {
    const texts = deliveredTexts(message(readableMessage({ ...fields })));
    assert.ok(judgedAs(undefined, texts).completionTokens >= 2, JSON.stringify(fields));
  }
  assert.deepEqual(deliveredTexts(message({ content: null, tool_calls: [] })).join(''), '');
});
