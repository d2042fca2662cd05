/**
 * How long a recording is, by its own head: for providers that do not say for how many seconds they charge. What a head
 * says may be wrong; the hold is bounded by it, and only an estimated charge goes by it. Pure.
 */

/** In seconds; undefined for formats that are not known (WebM) and for heads that make no sense. */
export function durationOf(bytes: Uint8Array): number | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seconds = wav(buffer) ?? flac(buffer) ?? ogg(buffer) ?? mp4(buffer) ?? mp3(buffer);
  return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

function wav(buffer: Buffer): number | undefined {
  if (tagAt(buffer, 0) !== 'RIFF' || tagAt(buffer, 8) !== 'WAVE') return undefined;
  let bytesASecond = 0;
  for (let at = 12; at + 8 <= buffer.length; ) {
    const size = buffer.readUInt32LE(at + 4);
    if (tagAt(buffer, at) === 'fmt ' && at + 20 <= buffer.length) bytesASecond = buffer.readUInt32LE(at + 16);
    // A head that was written before its end was known says too much.
    if (tagAt(buffer, at) === 'data') return Math.min(size, buffer.length - at - 8) / bytesASecond;
    at += 8 + size + (size % 2);
  }
  return undefined;
}

function flac(buffer: Buffer): number | undefined {
  if (tagAt(buffer, 0) !== 'fLaC' || buffer.length < 26) return undefined;
  const rate = buffer.readUIntBE(18, 3) >> 4;
  return ((buffer.readUInt8(21) & 0x0f) * 2 ** 32 + buffer.readUInt32BE(22)) / rate;
}

const OPUS_RATE = 48_000;

/** The last page says how many samples there are. */
function ogg(buffer: Buffer): number | undefined {
  if (tagAt(buffer, 0) !== 'OggS') return undefined;
  const last = buffer.lastIndexOf('OggS');
  if (last + 14 > buffer.length) return undefined;
  const samples = Number(buffer.readBigInt64LE(last + 6));
  const vorbis = buffer.subarray(0, 200).indexOf('\x01vorbis');
  return samples / (vorbis === -1 ? OPUS_RATE : buffer.readUInt32LE(vorbis + 12));
}

/** MP4 and M4A: the head of the whole movie. */
function mp4(buffer: Buffer): number | undefined {
  if (tagAt(buffer, 4) !== 'ftyp') return undefined;
  const at = buffer.indexOf('mvhd');
  if (at === -1 || at + 32 > buffer.length) return undefined;
  const isLong = buffer.readUInt8(at + 4) === 1;
  const scale = buffer.readUInt32BE(at + (isLong ? 24 : 16));
  return (isLong ? Number(buffer.readBigUInt64BE(at + 28)) : buffer.readUInt32BE(at + 20)) / scale;
}

/** Kilobits a second of layer III, by the index in a frame's head: of MPEG 1, and of 2 and 2.5. */
const BIT_RATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000];
const SCANNED_BYTES = 65_536;

/** By the count of frames where the encoder has left one, else by the bit rate of the first frame. */
function mp3(buffer: Buffer): number | undefined {
  const start = tagAt(buffer, 0).startsWith('ID3') ? 10 + id3Size(buffer) : 0;
  for (let at = start; at + 4 <= Math.min(buffer.length, start + SCANNED_BYTES); at += 1) {
    const frame = frameAt(buffer, at);
    if (frame === undefined) continue;
    const head = buffer.subarray(at, at + 200);
    const tag = Math.max(head.indexOf('Xing'), head.indexOf('Info'));
    const hasCount = tag !== -1 && tag + 12 <= head.length && (head.readUInt32BE(tag + 4) & 1) === 1;
    if (hasCount) return (head.readUInt32BE(tag + 8) * frame.samples) / frame.sampleRate;
    return ((buffer.length - at) * 8) / (frame.kilobits * 1_000);
  }
  return undefined;
}

function frameAt(buffer: Buffer, at: number) {
  const head = buffer.readUInt32BE(at);
  const version = (head >>> 19) & 3;
  const isLayer3 = ((head >>> 17) & 3) === 1;
  if (head >>> 21 !== 0x7ff || version === 1 || !isLayer3) return undefined;
  const isFirst = version === 3;
  const kilobits = BIT_RATES[isFirst ? 0 : 1][(head >>> 12) & 15];
  const rate = SAMPLE_RATES[(head >>> 10) & 3];
  if (!kilobits || rate === undefined) return undefined;
  return { kilobits, samples: isFirst ? 1_152 : 576, sampleRate: isFirst ? rate : version === 2 ? rate / 2 : rate / 4 };
}

/** Seven bits a byte. */
function id3Size(buffer: Buffer): number {
  if (buffer.length < 10) return 0;
  return [6, 7, 8, 9].reduce((size, at) => size * 128 + (buffer.readUInt8(at) & 0x7f), 0);
}

function tagAt(buffer: Buffer, at: number): string {
  return buffer.toString('latin1', at, at + 4);
}
