/**
 * How long a recording is, by its own head: for providers that do not say for how many seconds they charge. The client
 * writes the head, so a length that would take more bytes a second than the format does is lifted to what its bytes
 * take at that rate. Pure, and takes any bytes.
 */

/** In seconds; undefined for formats that are not known (WebM) and for heads that make no sense. */
export function durationOf(bytes: Uint8Array): number | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = wav(buffer) ?? flac(buffer) ?? ogg(buffer) ?? mp4(buffer) ?? mp3(buffer);
  if (length === undefined || !(length.seconds > 0)) return undefined;
  const seconds = Math.max(length.seconds, length.least);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/**
 * What the bytes can be at most, in whichever way they are read, in seconds: of WAV without compression, where the head
 * cannot make many seconds look like few. Undefined for everything else, which has no least rate.
 */
export function longestOf(bytes: Uint8Array): number | undefined {
  return wav(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))?.most;
}

/** In seconds. */
interface Length {
  /** What the head says. */
  readonly seconds: number;
  /** What the bytes take at the highest rate. */
  readonly least: number;
  /** What they take at the lowest rate, where there is one. */
  readonly most?: number;
}

/** Of Opus and Vorbis (510 kbit/s) and of AAC (576 kbit/s). */
const MOST_LOSSY_BYTES = 72_000;
/** Of layer III: 320 kbit/s. */
const MOST_MP3_BYTES = 40_000;
/** Of a film, or of sound without loss in an MP4 file. */
const MOST_FILM_BYTES = 1_500_000;

/** Codecs of WAV: whole numbers, fractions, and either with more about its channels. */
const PLAIN_CODECS: ReadonlySet<number> = new Set([1, 3, 0xfffe]);

/** By the bytes that are there: the size of the data is a guess where the head was written before the end was known. */
function wav(buffer: Buffer): Length | undefined {
  if (tagAt(buffer, 0) !== 'RIFF' || tagAt(buffer, 8) !== 'WAVE') return undefined;
  let rates: number[] = [];
  let isPlain = false;
  for (let at = 12; at + 8 <= buffer.length; ) {
    const size = buffer.readUInt32LE(at + 4);
    if (tagAt(buffer, at) === 'fmt ' && at + 24 <= buffer.length) {
      const [codec, channels] = [buffer.readUInt16LE(at + 8), buffer.readUInt16LE(at + 10)];
      const [samples, bits] = [buffer.readUInt32LE(at + 12), buffer.readUInt16LE(at + 22)];
      isPlain = PLAIN_CODECS.has(codec);
      // Bytes a second, and samples a second by the bytes of one; blocks of compressed sound hold many samples.
      const said = [buffer.readUInt32LE(at + 16), samples * buffer.readUInt16LE(at + 20)];
      rates = isPlain ? [...said, (samples * channels * bits) / 8] : said;
    }
    if (tagAt(buffer, at) === 'data') {
      const seconds = (buffer.length - at - 8) / Math.min(...rates.filter((rate) => rate > 0));
      return { seconds, least: 0, ...(isPlain && seconds > 0 ? { most: seconds } : {}) };
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}

function flac(buffer: Buffer): Length | undefined {
  if (tagAt(buffer, 0) !== 'fLaC' || buffer.length < 26) return undefined;
  const format = buffer.readUInt32BE(18);
  const rate = format >>> 12;
  const channels = ((format >>> 9) & 7) + 1;
  const bits = ((format >>> 4) & 31) + 1;
  const samples = (format & 0x0f) * 2 ** 32 + buffer.readUInt32BE(22);
  return { seconds: samples / rate, least: (buffer.length * 8) / (rate * channels * bits) };
}

const OPUS_RATE = 48_000;

/** The last page says how many samples there are. */
function ogg(buffer: Buffer): Length | undefined {
  if (tagAt(buffer, 0) !== 'OggS') return undefined;
  const last = buffer.lastIndexOf('OggS');
  if (last + 14 > buffer.length) return undefined;
  const samples = Number(buffer.readBigInt64LE(last + 6));
  const vorbis = buffer.subarray(0, 200).indexOf('\x01vorbis');
  if (vorbis + 16 > buffer.length) return undefined;
  const rate = vorbis === -1 ? OPUS_RATE : buffer.readUInt32LE(vorbis + 12);
  return { seconds: samples / rate, least: buffer.length / MOST_LOSSY_BYTES };
}

/** MP4 and M4A: the head of the whole movie. */
function mp4(buffer: Buffer): Length | undefined {
  if (tagAt(buffer, 4) !== 'ftyp') return undefined;
  const at = buffer.indexOf('mvhd');
  const isLong = at !== -1 && at + 5 <= buffer.length && buffer.readUInt8(at + 4) === 1;
  if (at === -1 || at + (isLong ? 36 : 24) > buffer.length) return undefined;
  const scale = buffer.readUInt32BE(at + (isLong ? 24 : 16));
  const units = isLong ? Number(buffer.readBigUInt64BE(at + 28)) : buffer.readUInt32BE(at + 20);
  const isRich = buffer.includes('vide') || buffer.includes('alac');
  return { seconds: units / scale, least: buffer.length / (isRich ? MOST_FILM_BYTES : MOST_LOSSY_BYTES) };
}

/** Kilobits a second of layer III, by the index in a frame's head: of MPEG 1, and of 2 and 2.5. */
const BIT_RATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000];
const SCANNED_BYTES = 65_536;

/** By the count of frames where the encoder has left one, else by the bit rate of the first frame. */
function mp3(buffer: Buffer): Length | undefined {
  const start = tagAt(buffer, 0).startsWith('ID3') ? 10 + id3Size(buffer) : 0;
  for (let at = start; at + 4 <= Math.min(buffer.length, start + SCANNED_BYTES); at += 1) {
    const frame = frameAt(buffer, at);
    if (frame === undefined) continue;
    const head = buffer.subarray(at, at + 200);
    const tag = Math.max(head.indexOf('Xing'), head.indexOf('Info'));
    const hasCount = tag !== -1 && tag + 12 <= head.length && (head.readUInt32BE(tag + 4) & 1) === 1;
    const least = (buffer.length - at) / MOST_MP3_BYTES;
    if (hasCount) return { seconds: (head.readUInt32BE(tag + 8) * frame.samples) / frame.sampleRate, least };
    return { seconds: ((buffer.length - at) * 8) / (frame.kilobits * 1_000), least };
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
