/**
 * The signature of the generic payment callback: `X-Payment-Signature: t=<unix seconds>,v1=<hex>`, where v1 is
 * HMAC-SHA256 of `<t>.<body as sent>` with the payment secret. Several v1 may stand in one header, so that a sender can
 * sign with an old and a new secret while they are exchanged. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_SECONDS = 300;
const DIGEST_HEX_LENGTH = 64;

export type SignatureCheck = 'valid' | 'malformed' | 'old' | 'forged';

/** What a sender puts after `v1=`. */
export function signatureOf(secret: string, timestampSeconds: string, rawBody: Uint8Array): string {
  return createHmac('sha256', secret).update(`${timestampSeconds}.`).update(rawBody).digest('hex');
}

/** Compares in constant time; `old` also means too far in the future. */
export function checkSignature(header: string, secret: string, rawBody: Uint8Array, nowMs: number): SignatureCheck {
  const parts = header.split(',').map((part) => part.trim());
  const times = valuesOf(parts, 't=');
  const signatures = valuesOf(parts, 'v1=').filter((value) => value.length === DIGEST_HEX_LENGTH);
  const [time] = times;
  if (time === undefined || times.length > 1 || !/^\d{1,12}$/.test(time) || signatures.length === 0) return 'malformed';
  if (Math.abs(nowMs / 1000 - Number(time)) > TOLERANCE_SECONDS) return 'old';
  const expected = Buffer.from(signatureOf(secret, time, rawBody));
  const good = signatures.filter((value) => sameText(value, expected));
  return good.length > 0 ? 'valid' : 'forged';
}

function valuesOf(parts: readonly string[], prefix: string): string[] {
  return parts.flatMap((part) => (part.startsWith(prefix) ? [part.slice(prefix.length)] : []));
}

function sameText(value: string, expected: Buffer): boolean {
  const given = Buffer.from(value.toLowerCase());
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
}
