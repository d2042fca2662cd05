/** JSON whose numbers keep their text, and money in integer nano-units (1e-9): no float ever touches an amount. */
const NANO_DIGITS = 9;

/** Parses JSON with every number as the text it was written in. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) => (typeof value === 'number' ? (source ?? String(value)) : value));
}

/** "999.5" → 999500000000n. @throws Error when it is no plain decimal of at most 9 decimals. */
export function toNano(amount: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(amount);
  if (!match) throw new Error(`"${amount}" is not an amount with at most ${NANO_DIGITS} decimals`);
  const [, sign = '', whole = '0', decimals = ''] = match;
  return BigInt(`${sign}${whole}${decimals.padEnd(NANO_DIGITS, '0')}`);
}

/** 999500000000n → "999.5". */
export function fromNano(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(NANO_DIGITS + 1, '0');
  const decimals = digits.slice(-NANO_DIGITS).replace(/0+$/, '');
  return `${nano < 0n ? '-' : ''}${digits.slice(0, -NANO_DIGITS)}${decimals === '' ? '' : `.${decimals}`}`;
}
