/** Sums of decimal texts, exact: no float in between. */

const NANO_DIGITS = 9;
const TICK_DIGITS = 12;

function nanoOf(amount: string): bigint {
  const [whole = '0', decimals = ''] = amount.replace('-', '').split('.');
  const nano = BigInt(whole + decimals.padEnd(NANO_DIGITS, '0').slice(0, NANO_DIGITS));
  return amount.startsWith('-') ? -nano : nano;
}

/** The exact difference of two amounts. */
export function minus(amount: string, taken: string): string {
  return sumOf([amount, taken.startsWith('-') ? taken.slice(1) : `-${taken}`]);
}

export function isLess(amount: string, than: string): boolean {
  return nanoOf(amount) < nanoOf(than);
}

/** The exact sum of amounts of at most nine decimals. */
export function sumOf(amounts: readonly string[]): string {
  const nano = amounts.reduce((sum, amount) => sum + nanoOf(amount), 0n);
  const digits = String(nano < 0n ? -nano : nano).padStart(NANO_DIGITS + 1, '0');
  const text = `${nano < 0n ? '-' : ''}${digits.slice(0, -NANO_DIGITS)}.${digits.slice(-NANO_DIGITS)}`;
  return text.replace(/\.?0+$/, '');
}

/** The shortest decimal that is this number, never with an exponent. */
export function plainDecimal(value: number): string {
  return new Intl.NumberFormat('en', { useGrouping: false, maximumSignificantDigits: 15 }).format(value);
}

/** For a tick of a chart: as many digits as a tick needs, never with an exponent. */
export function decimalText(value: number): string {
  const digits = { useGrouping: false, maximumSignificantDigits: TICK_DIGITS };
  return new Intl.NumberFormat('en', digits).format(value);
}
