/** Real PNG images out of a seed: every decoder opens them, and the same seed gives the same bytes. */
import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { seededRandom } from '../content/seeded-random.ts';

const deflateAsync = promisify(deflate);

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const BITS_PER_PIXEL = 8;
const PALETTE_COLOR_TYPE = 3;
/** Row filter "Up": each byte is the difference to the one above. */
const FILTER_UP = 2;

/** A diagonal gradient in colours of the seed, 8 bits a pixel. `comment` is kept in the file, to tell images apart. */
export async function makePng(width: number, height: number, seed: number, comment: string): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([BITS_PER_PIXEL, PALETTE_COLOR_TYPE, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', palette(seed)),
    chunk('tEXt', Buffer.from(`Comment\0${comment}`, 'latin1')),
    chunk('IDAT', await deflateAsync(rows(width, height), { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The first row counts up, every other adds one to the row above: nearly all bytes are equal, so packing is quick. */
function rows(width: number, height: number): Buffer {
  const stride = width + 1;
  const bytes = Buffer.alloc(stride * height, 1);
  for (let column = 0; column < width; column += 1) bytes[1 + column] = column & 0xff;
  for (let row = 0; row < height; row += 1) bytes[row * stride] = row === 0 ? 0 : FILTER_UP;
  return bytes;
}

/** 256 colours from one to another and back, so that the gradient has no edge where it starts again. */
function palette(seed: number): Buffer {
  const random = seededRandom(seed);
  const from = [random() * 255, random() * 255, random() * 255];
  const to = [random() * 255, random() * 255, random() * 255];
  const colors = Buffer.alloc(256 * 3);
  for (let index = 0; index < 256; index += 1) {
    const share = 1 - Math.abs(index - 128) / 128;
    for (let channel = 0; channel < 3; channel += 1) {
      const low = from[channel] ?? 0;
      colors[index * 3 + channel] = Math.round(low + ((to[channel] ?? 0) - low) * share);
    }
  }
  return colors;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
