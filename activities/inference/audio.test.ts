import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RATES, type Price } from '../../core/ledger/price.ts';
import { countTokens } from '../../infra/tokens.ts';
import { planSpeech, planTranscription, speechUsage, transcriptionUsage } from './audio.ts';
import { TEST_MODEL } from './test-model.ts';

const noted: string[] = [];
const note = (doubt: string) => noted.push(doubt);
const priced = (rates: Partial<Price>) => ({ ...TEST_MODEL, price: { ...NO_RATES, id: 1, ...rates } });
const byCharacter = priced({ perCharacter: 50_000_000n });
const bySecond = priced({ perSecond: 3_000_000n });
const byTokens = priced({ input: 1_000_000n, output: 2_000_000n });
const speech = { input: '灯塔 😀', extra: { voice: 'alloy' } };
const json = (body: object) => ({ mediaType: 'application/json', body: Buffer.from(JSON.stringify(body)) });
const events = (...all: object[]) => ({
  mediaType: 'text/event-stream',
  body: Buffer.from(all.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')),
});
const minute = { seconds: 59.2, longest: undefined, bytes: 500_000 };

test('a text is held for and charged by its characters, whatever they take in bytes', () => {
  assert.equal(planSpeech([byCharacter], speech).holdAmount, 4n * 50n);
  const usage = speechUsage(speech, byCharacter, note);
  assert.deepEqual([usage.characters, usage.estimated, usage.promptTokens], [4, false, 0]);
});

test('spoken tokens are the provider’s, or estimated and marked', () => {
  const reported = speechUsage(speech, byTokens, note, { input_tokens: 5, output_tokens: 12, total_tokens: 17 });
  assert.deepEqual([reported.promptTokens, reported.completionTokens, reported.estimated], [5, 12, false]);
  const ours = speechUsage(speech, byTokens, note);
  assert.ok(ours.estimated && ours.promptTokens > 0 && ours.completionTokens > 0);
  assert.ok(planSpeech([byTokens], speech).holdAmount >= BigInt(ours.promptTokens + 2 * ours.completionTokens));
  const huge = { input_tokens: 5, output_tokens: 9_000_000 };
  assert.equal(speechUsage(speech, byTokens, note, huge).doubt, 'too-large');
});

test('a recording is held for by its length, or by its bytes where its head says nothing', () => {
  const hold = (seconds: number | undefined, bytes: number) =>
    planTranscription([bySecond], { fields: [] }, { seconds, longest: undefined, bytes }).holdAmount;
  assert.equal(hold(59.2, 500_000), 61n * 3n);
  assert.equal(hold(undefined, 60_000), 61n * 3n);
});

test('begun seconds are charged as the provider counts them, from any place that shows them', () => {
  for (const said of [
    json({ text: 'a', usage: { type: 'duration', seconds: 60 } }),
    json({ text: 'a', duration: 59.2, segments: [] }),
    json({ text: 'a', duration: '59.2' }),
    events(
      { type: 'transcript.text.delta' },
      { type: 'transcript.text.done', usage: { type: 'duration', seconds: 60 } },
    ),
  ]) {
    const usage = transcriptionUsage(said, minute, bySecond, note);
    assert.deepEqual([usage.audioSeconds, usage.estimated, usage.doubt], [60, false, null], said.body.toString());
  }
});

test('what the provider does not count is measured, and marked', () => {
  const lines = { mediaType: 'text/plain', body: Buffer.from('1\n00:00 --> 00:59\nthe light') };
  const usage = transcriptionUsage(lines, minute, bySecond, note);
  assert.deepEqual([usage.audioSeconds, usage.estimated, usage.doubt], [60, true, 'missing']);
  assert.deepEqual([usage.promptTokens, usage.completionTokens], [0, 0], 'tokens without a price are not made up');
  const unknown = transcriptionUsage(lines, { seconds: undefined, longest: undefined, bytes: 40_000 }, bySecond, note);
  assert.equal(unknown.audioSeconds, 10);
  const tokens = transcriptionUsage(json({ text: 'the light' }), minute, byTokens, note);
  assert.deepEqual([tokens.promptTokens, tokens.completionTokens, tokens.doubt], [600, 2, 'missing']);
  const reported = { type: 'tokens', input_tokens: 590, output_tokens: 3, total_tokens: 593 };
  const counted = transcriptionUsage(json({ text: 'the light', usage: reported }), minute, byTokens, note);
  assert.deepEqual([counted.promptTokens, counted.completionTokens, counted.estimated], [590, 3, false]);
});

test('seconds that cannot be true are charged up to the hold, and what is no count is ours', () => {
  const long = json({ text: 'a', usage: { type: 'duration', seconds: 90_000 } });
  assert.equal(transcriptionUsage(long, minute, bySecond, note).doubt, 'too-large');
  for (const seconds of [-1, 0, 'many', Number.MAX_SAFE_INTEGER, null]) {
    const usage = transcriptionUsage(json({ text: 'a', usage: { seconds } }), minute, bySecond, note);
    assert.deepEqual([usage.audioSeconds, usage.doubt], [60, 'missing'], String(seconds));
  }
});

test('a head that claims to be short does not make the provider’s count impossible', () => {
  const forged = { seconds: 0.001, longest: undefined, bytes: 1_000_000 };
  const said = json({ text: 'a', usage: { type: 'duration', seconds: 900 } });
  const charged = transcriptionUsage(said, forged, bySecond, note);
  assert.deepEqual([charged.audioSeconds, charged.doubt], [900, null]);
  const tokens = json({ text: 'a', usage: { type: 'tokens', input_tokens: 30_000, output_tokens: 9_000 } });
  assert.equal(transcriptionUsage(tokens, forged, byTokens, note).doubt, null);
  // A head may say more than its bytes: silence is small.
  const silence = json({ text: 'a', usage: { type: 'duration', seconds: 7_200 } });
  assert.equal(
    transcriptionUsage(silence, { seconds: 7_200, longest: undefined, bytes: 1_000 }, bySecond, note).doubt,
    null,
  );
});

test('of long texts only a share is counted, so that no other call waits', () => {
  const long = Array.from({ length: 40_000 }, (_, index) => `line ${index * index}`).join(' ');
  const isEstimate = (count: number) => {
    const exact = countTokens(long);
    assert.ok(count !== exact && Math.abs(count - exact) < exact / 20, `${count} for ${exact}`);
  };
  isEstimate(speechUsage({ input: 'a', extra: { instructions: long } }, byTokens, note).promptTokens - 1);
  const text = { mediaType: 'text/plain', body: Buffer.from(long) };
  isEstimate(transcriptionUsage(text, minute, byTokens, note).completionTokens);
});

test('a recording of a known length is not charged for many times that, and the operator is warned', () => {
  const second = { seconds: 1, longest: 1, bytes: 32_044 };
  const usage = (seconds: number) =>
    transcriptionUsage(json({ text: 'a', usage: { type: 'duration', seconds } }), second, bySecond, note);
  noted.length = 0;
  // Some charge ten seconds at least.
  assert.deepEqual([usage(1).doubt, usage(10).doubt, noted], [null, null, []]);
  assert.equal(usage(90).doubt, 'too-large');
  assert.deepEqual(noted, ['too-large']);
});

test('of a transcript that broke only its words are counted', () => {
  const broken = events(
    { type: 'transcript.text.delta', delta: 'the ' },
    { type: 'transcript.text.delta', delta: 'light' },
  );
  assert.equal(transcriptionUsage(broken, minute, byTokens, note).completionTokens, 2);
});
