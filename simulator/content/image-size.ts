/** Width and height from the header of an image: PNG, JPEG, GIF, WebP, BMP. */
import type { Buffer } from 'node:buffer';

export interface ImageSize {
  width: number;
  height: number;
}

/** Undefined when the bytes are none of these formats or end too early. */
export function imageSize(bytes: Buffer): ImageSize | undefined {
  try {
    return readSize(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readSize(bytes: Buffer): ImageSize | undefined {
  const latin = (start: number, end: number) => bytes.toString('latin1', start, end);
  if (latin(1, 4) === 'PNG') return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (latin(0, 3) === 'GIF') return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  if (latin(0, 2) === 'BM') return { width: bytes.readInt32LE(18), height: Math.abs(bytes.readInt32LE(22)) };
  if (latin(0, 4) === 'RIFF' && latin(8, 12) === 'WEBP') return webpSize(bytes, latin(12, 16));
  if (bytes.readUInt16BE(0) === 0xffd8) return jpegSize(bytes);
  return undefined;
}

function webpSize(bytes: Buffer, form: string): ImageSize | undefined {
  if (form === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (form === 'VP8 ') return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (form !== 'VP8L') return undefined;
  const packed = bytes.readUInt32LE(21);
  return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
}

function jpegSize(bytes: Buffer): ImageSize | undefined {
  let position = 2;
  while (bytes.readUInt8(position) === 0xff) {
    const marker = bytes.readUInt8(position + 1);
    // Start-of-frame markers, without DHT (c4), JPG (c8) and DAC (cc), which share their range.
    const startOfFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (startOfFrame) return { height: bytes.readUInt16BE(position + 5), width: bytes.readUInt16BE(position + 7) };
    position += 2 + bytes.readUInt16BE(position + 2);
  }
  return undefined;
}
