/**
 * Where the gateway is, the clients out of the cache, and what a suite has received: at its end it says so in one line,
 * which the test that runs it compares with what was charged.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after } from 'node:test';

const { GATEWAY_URL, GATEWAY_KEY, CLIENTS } = process.env;
assert.ok(GATEWAY_URL && GATEWAY_KEY && CLIENTS, 'run by gateway.test.ts');

export const baseURL = `${GATEWAY_URL}/v1`;
export const apiKey = GATEWAY_KEY;

/** A module of a client. */
export const client = createRequire(`${CLIENTS}/`);

const received = { promptTokens: 0, completionTokens: 0, images: 0, characters: 0, audioSeconds: 0 };

/** Notes an answer's usage, which the client must have read. */
export function receivedTokens(promptTokens, completionTokens) {
  assert.ok(promptTokens > 0 && completionTokens > 0, `usage is ${promptTokens} and ${completionTokens}`);
  received.promptTokens += promptTokens;
  received.completionTokens += completionTokens;
}

const PNG = [0x89, 0x50, 0x4e, 0x47];

/** Notes an image, which must be a PNG. */
export function receivedImage(bytes) {
  assert.deepEqual([...bytes.subarray(0, PNG.length)], PNG);
  received.images += 1;
}

/** Notes speech, which must be a WAV, and the characters that were spoken. */
export function receivedSpeech(bytes, text) {
  assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
  received.characters += [...text].length;
}

/** Notes seconds that were written down. */
export function receivedSeconds(seconds) {
  assert.ok(seconds > 0);
  received.audioSeconds += seconds;
}

export const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

after(() => console.log(`received ${JSON.stringify(received)}`));
