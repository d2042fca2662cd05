import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationOf, longestOf } from './duration.ts';

const chunk = (tag: string, body: Buffer) => Buffer.concat([Buffer.from(tag), sizeLe(body.length), body]);
const sizeLe = (size: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(size);
  return bytes;
};
const be = (value: number, length: number) => {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
};

function wav(seconds: number, rate = 16_000): Buffer {
  const format = Buffer.concat([Buffer.from([1, 0, 1, 0]), sizeLe(rate), sizeLe(2 * rate), Buffer.from([2, 0, 16, 0])]);
  const body = [Buffer.from('WAVE'), chunk('LIST', Buffer.from('odd')), Buffer.alloc(1), chunk('fmt ', format)];
  return chunk('RIFF', Buffer.concat([...body, chunk('data', Buffer.alloc(seconds * 2 * rate))]));
}

/** Frames of 128 kbit/s at 44.1 kHz. */
const FRAME = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x00]), Buffer.alloc(413)]);

test('the length of a recording is in its head', () => {
  assert.equal(durationOf(wav(3)), 3);
  const samples = Buffer.concat([be(Math.floor(44_100 * 16), 3), Buffer.from([0]), be(2 * 44_100, 4)]);
  assert.equal(durationOf(Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(14), samples])), 2);
  const page = (granule: number) => {
    const position = Buffer.alloc(8);
    position.writeBigInt64LE(BigInt(granule));
    return Buffer.concat([Buffer.from('OggS\0\0'), position, Buffer.from('OpusHead')]);
  };
  assert.equal(durationOf(Buffer.concat([page(0), Buffer.alloc(99), page(5 * 48_000)])), 5);
  const movie = Buffer.concat([Buffer.from('mvhd'), Buffer.alloc(12), be(1_000, 4), be(7_500, 4), Buffer.alloc(20)]);
  assert.equal(durationOf(Buffer.concat([be(8, 4), Buffer.from('ftypM4A '), movie])), 7.5);
  const frames = Buffer.concat(Array(100).fill(FRAME));
  assert.ok(Math.abs((durationOf(frames) ?? 0) - (100 * 417 * 8) / 128_000) < 0.01);
  const xing = Buffer.concat([Buffer.from('Xing'), be(1, 4), be(441, 4)]);
  const counted = Buffer.concat([FRAME.subarray(0, 36), xing, FRAME.subarray(48), frames]);
  assert.equal(durationOf(counted), (441 * 1_152) / 44_100);
  const tagged = Buffer.concat([Buffer.from('ID3\x04\0\0'), Buffer.from([0, 0, 1, 0]), Buffer.alloc(128), frames]);
  assert.ok(Math.abs((durationOf(tagged) ?? 0) - (durationOf(frames) ?? 1)) < 0.01);
});

test('a head that makes no sense says nothing, and none costs more than a look', () => {
  const whole = wav(1);
  for (const length of [0, 3, 12, 20, 40, 50]) durationOf(whole.subarray(0, length));
  assert.equal(durationOf(Buffer.alloc(5_000_000, 'text ')), undefined);
  assert.equal(durationOf(Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(22)])), undefined);
  assert.equal(durationOf(Buffer.from('RIFF\0\0\0\0WAVE')), undefined);
  assert.equal(durationOf(Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEdata'), sizeLe(9)])), undefined);
  // A stream that was cut says the length that it was to have.
  const streamed = Buffer.from(wav(2));
  streamed.writeUInt32LE(0xffff_ffff, streamed.indexOf('data') + 4);
  assert.equal(durationOf(streamed), 2);
});

test('a head that claims to be short takes nothing from what the bytes last at the highest rate', () => {
  const short = wav(60);
  short.writeUInt32LE(16, short.indexOf('data') + 4);
  assert.equal(durationOf(short), 60);
  short.writeUInt32LE(0xffff_ffff, short.indexOf('fmt ') + 16);
  assert.equal(durationOf(short), 60);
  const frames = Buffer.concat(Array(1_000).fill(FRAME));
  const xing = Buffer.concat([Buffer.from('Xing'), be(1, 4), be(1, 4)]);
  const mp3 = Buffer.concat([FRAME.subarray(0, 36), xing, FRAME.subarray(48), frames]);
  assert.equal(durationOf(mp3), mp3.length / 40_000);
  const movie = Buffer.concat([Buffer.from('mvhd'), Buffer.alloc(12), be(1_000, 4), be(1, 4)]);
  const m4a = Buffer.concat([be(8, 4), Buffer.from('ftypM4A '), movie, Buffer.alloc(720_000)]);
  assert.equal(durationOf(m4a), m4a.length / 72_000);
  const page = Buffer.concat([Buffer.from('OggS\0\0'), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])]);
  const opus = Buffer.concat([page, Buffer.from('OpusHead'), Buffer.alloc(720_000), page]);
  assert.equal(durationOf(opus), opus.length / 72_000);
});

test('no bytes make it throw or give anything but a length', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((value) => Buffer.from([value]));
  const tags = [
    'RIFF',
    'WAVE',
    'fmt ',
    'data',
    'fLaC',
    'OggS',
    '\x01vorbis',
    'ftyp',
    'mvhd',
    'mvhd\x01',
    'ID3',
    'Xing',
  ];
  const tag = fc.constantFrom(...tags, '\xff\xfb\x90\0').map((text) => Buffer.from(text, 'latin1'));
  const zeros = fc.integer({ min: 0, max: 40 }).map((length) => Buffer.alloc(length));
  const recordings = fc
    .tuple(
      fc.constantFrom('', 'RIFF\0\0\0\0WAVE', 'fLaC', 'OggS', '\0\0\0\bftyp', 'ID3').map((head) => Buffer.from(head)),
      fc.array(fc.oneof(tag, zeros, byte), { maxLength: 40 }),
    )
    .map(([head, parts]) => Buffer.concat([head, ...parts]));
  const ogg = Buffer.concat([Buffer.from('OggS'), Buffer.alloc(10), Buffer.from('\x01vorbis')]);
  const long = Buffer.concat([Buffer.alloc(4), Buffer.from('ftypmvhd\x01'), Buffer.alloc(27)]);
  fc.assert(
    fc.property(recordings, (recording) => {
      for (let length = recording.length; length >= Math.max(0, recording.length - 8); length -= 1) {
        const seconds = durationOf(recording.subarray(0, length));
        assert.ok(seconds === undefined || (Number.isFinite(seconds) && seconds > 0), String(seconds));
      }
    }),
    { numRuns: 2_000, examples: [[ogg], [long]] },
  );
});

test('what sound without compression can be at most is known, whatever else its head claims', () => {
  const forged = wav(3);
  // Bytes a second and bytes of a sample, as if they were many: a decoder reads neither.
  forged.writeUInt32LE(4_000_000_000, forged.indexOf('fmt ') + 16);
  forged.writeUInt16LE(60_000, forged.indexOf('fmt ') + 20);
  assert.deepEqual([longestOf(wav(3)), longestOf(forged), durationOf(forged)], [3, 3, 3]);
  const compressed = wav(3);
  compressed.writeUInt16LE(0x31, compressed.indexOf('fmt ') + 8);
  for (const bytes of [compressed, FRAME, Buffer.alloc(99)]) assert.equal(longestOf(bytes), undefined);
});
