/**
 * A result that its row can take. What a provider delivered is paid for, so a text that is too long is cut and marked,
 * never a reason to call again. Pure.
 */

/** In bytes of JSON. A statement of 16 MB takes it twice over, as every character of it may have to be escaped. */
export const MAX_RESULT_BYTES = 4_000_000;

/**
 * @param reply the result as an object; its texts may be cut, the longest first, everything else stays.
 * @returns JSON text of at most about `maxBytes`; `truncated: true` says that texts were cut.
 */
export function resultText(reply: Readonly<Record<string, unknown>>, maxBytes = MAX_RESULT_BYTES): string {
  const whole = JSON.stringify(reply);
  let excess = Buffer.byteLength(whole) - maxBytes;
  if (excess <= 0) return whole;
  const cut: Record<string, unknown> = { ...reply, truncated: true };
  const texts = Object.entries(reply)
    .flatMap(([name, value]) => (typeof value === 'string' ? [{ name, value, bytes: bytesOf(value) }] : []))
    .sort((a, b) => b.bytes - a.bytes);
  for (const { name, value, bytes } of texts) {
    if (excess <= 0) break;
    const kept = firstBytes(value, Math.max(0, bytes - excess));
    cut[name] = kept;
    excess -= bytes - bytesOf(kept);
  }
  return JSON.stringify(cut);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/** The longest beginning that JSON writes in so many bytes; no character is cut in two. */
function firstBytes(text: string, maxBytes: number): string {
  let length = 0;
  let bytes = 0;
  for (const character of text) {
    bytes += bytesOfCharacter(character);
    if (bytes > maxBytes) break;
    length += character.length;
  }
  return text.slice(0, length);
}

function bytesOfCharacter(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  const plain = code >= 0x20 && code < 0x80 && character !== '"' && character !== '\\';
  return plain ? 1 : bytesOf(character);
}
