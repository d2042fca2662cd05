import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../core/ledger/money.ts';
import { costOf, NO_RATES, type Price } from '../../core/ledger/price.ts';
import type { ImageRequest } from '../../core/providers/provider.ts';
import { readUsage } from '../../core/providers/usage.ts';
import { imageUsage, planImages } from './images.ts';
import { TEST_MODEL } from './test-model.ts';

const request: ImageRequest = { prompt: 'a red cat on a mat', images: ['a', 'b'], n: 2, extra: {} };
const images = [1, 2].map(() => ({ kind: 'url', url: 'http://127.0.0.1/1.png' }) as const);
/** Prices of 1,000 and 10,000 nano-units a token. */
const ofTokens: Price = { ...NO_RATES, id: 1, input: 1_000_000_000n, output: 10_000_000_000n };
const byImage: Price = { ...NO_RATES, id: 1, perImage: 5n };
/** Six of the prompt, 100 of each given image. */
const OURS = 206;
const MADE = 2 * 1_056;

function charged(usage: unknown, price = ofTokens, asked: Partial<ImageRequest> = {}, serviceTier?: unknown) {
  const doubts: string[] = [];
  const model = { ...TEST_MODEL, price, tokensPerImage: 100, maxTokens: 0 };
  const answer = { images, usage: readUsage(usage, serviceTier) };
  const used = imageUsage(answer, { ...request, ...asked }, model, (doubt) => doubts.push(doubt));
  assert.deepEqual(doubts, used.doubt === null ? [] : [used.doubt]);
  assert.ok(costOf(price, used) <= planImages([model], request).holdAmount, 'held for');
  return used;
}

const counts = (used: ReturnType<typeof charged>) => [
  used.promptTokens,
  used.completionTokens,
  used.estimated,
  used.doubt,
];

test('tokens that have a price are counted here where the provider does not count them', () => {
  for (const [usage, expected] of [
    [undefined, [OURS, MADE, true, 'missing']],
    [{ input_tokens: 'few', output_tokens: 'many', total_tokens: 'all' }, [OURS, MADE, true, 'impossible']],
    [{ input_tokens: -1, output_tokens: 700 }, [OURS, 700, true, 'impossible']],
    [{ input_tokens: 0, output_tokens: 0, total_tokens: 0 }, [OURS, MADE, true, 'too-small']],
    [{ input_tokens: 30 }, [30, MADE, true, 'missing']],
    [{ output_tokens: 700 }, [OURS, 700, true, 'missing']],
    [{ total_tokens: 1_000 }, [OURS, 1_000 - OURS, true, 'missing']],
    [{ input_tokens: 0, output_tokens: 0, total_tokens: 1_000 }, [OURS, 1_000 - OURS, true, 'missing']],
    [{ total_tokens: 9 }, [9, 0, true, 'missing']],
    [{ input_tokens: 30, total_tokens: 430 }, [30, 400, true, 'missing']],
    [{ input_tokens: 30, output_tokens: 400, total_tokens: 430 }, [30, 400, false, null]],
  ] as const) {
    assert.deepEqual(counts(charged(usage)), expected, JSON.stringify(usage));
  }
});

test('of a price for the prompt alone only the prompt is counted here', () => {
  const price = { ...byImage, input: 1_000_000_000n };
  assert.deepEqual(counts(charged(undefined, price)), [OURS, 0, true, 'missing']);
  assert.deepEqual(counts(charged({ input_tokens: 30 }, price)), [30, 0, false, null]);
});

test('a price of tokens in a rule is one too', () => {
  const rule = { name: 'long', when: { promptTokensAbove: 200 }, rates: { input: 1_000_000_000n } };
  assert.equal(charged(undefined, { ...byImage, rules: [rule] }).promptTokens, OURS);
});

test('a model that is priced by the image needs no usage', () => {
  const plain = { ...NO_USAGE, imageCount: 2 };
  for (const usage of [
    undefined,
    { input_tokens: 'few' },
    { total_tokens: 9 },
    { input_tokens: 0, output_tokens: 0 },
  ]) {
    assert.deepEqual(charged(usage, byImage), plain, JSON.stringify(usage));
  }
  assert.deepEqual(charged({ input_tokens: 3, output_tokens: 4 }, byImage), {
    ...plain,
    promptTokens: 3,
    completionTokens: 4,
  });
});

test('cached tokens and the tier are charged as for a chat', () => {
  const usage = { input_tokens: 30, output_tokens: 400, input_tokens_details: { cached_tokens: 20 } };
  const used = charged(usage, ofTokens, {}, 'Priority');
  assert.deepEqual([used.cachedTokens, used.serviceTier], [20, 'priority']);
  assert.equal(charged(usage, ofTokens, { extra: { service_tier: 'Flex' } }).serviceTier, 'flex');
});

test('tokens far beyond what was held for are marked', () => {
  const model = { ...TEST_MODEL, price: ofTokens, maxTokens: 0 };
  const answer = { images, usage: readUsage({ input_tokens: 30, output_tokens: 900_000 }) };
  assert.equal(imageUsage(answer, request, model, () => undefined).doubt, 'too-large');
});
