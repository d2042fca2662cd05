/** Amounts, exact: they are decimal texts from the API to the screen. */
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { SETTINGS } from '../settings.ts';

type Decimal = `${number}`;

function isDecimal(text: string): text is Decimal {
  return /^-?\d+(\.\d+)?$/.test(text);
}

const MOST_DECIMALS = 15;
/** Decimals after the second say little beside a whole number; of less than one they are the number. */
const DECIMALS_BESIDE = /^(.*[1-9][^.]*\.\d\d)(\d+)$/;
/** How wide they are beside other digits. */
const SMALL = 0.75;

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
  const [, head = text, tail = ''] = DECIMALS_BESIDE.exec(text) ?? [];
  return (
    <Text
      span
      inherit
      fw={bold ? 700 : undefined}
      className="numbers money"
      __vars={{ '--characters': String(head.length + tail.length * SMALL), '--head': String(head.length) }}
    >
      {head}
      {tail !== '' && <span className="decimals">{tail}</span>}
    </Text>
  );
}
