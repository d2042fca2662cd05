/** Amounts, exact: they are decimal texts from the API to the screen. */
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { SETTINGS } from '../settings.ts';

type Decimal = `${number}`;

function isDecimal(text: string): text is Decimal {
  return /^-?\d+(\.\d+)?$/.test(text);
}

const MOST_DECIMALS = 15;
/** Characters that a figure has room for, on a phone too. */
const LONG = 10;

/** As the language writes it, with all its decimals and at least `least` of them. */
export function moneyText(amount: string, language: string, least = 2): string {
  if (!isDecimal(amount)) return amount;
  const format = new Intl.NumberFormat(language, {
    ...{ style: 'currency', currency: SETTINGS.currency, currencyDisplay: 'narrowSymbol' },
    ...{ minimumFractionDigits: least, maximumFractionDigits: MOST_DECIMALS },
  });
  return format.format(amount);
}

/** An amount; nothing for none. */
export function Money({ amount, bold }: { amount: string | null | undefined; bold?: boolean }) {
  const { i18n } = useTranslation();
  if (amount === null || amount === undefined) return <>–</>;
  const text = moneyText(amount, i18n.language);
  return (
    <Text
      span
      inherit
      fw={bold ? 700 : undefined}
      className={text.length > LONG ? 'numbers money long' : 'numbers money'}
    >
      {text}
    </Text>
  );
}
