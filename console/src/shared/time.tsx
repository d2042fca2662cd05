/** Times in the zone and language of whoever looks. */
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { locale } from '../language/language.ts';

function timeText(iso: string, language: string, precise: boolean): string {
  const at = new Date(iso);
  if (!precise) return at.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
  const day = { year: 'numeric', month: 'short', day: 'numeric' } as const;
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 } as const;
  return at.toLocaleString(language, { ...day, ...time });
}

/** The whole time, with seconds and zone, is in its tooltip. @param precise to the millisecond. */
export function Time({ at, precise = false }: { at: string | null | undefined; precise?: boolean }) {
  // Shown anew in another language.
  useTranslation();
  if (at === null || at === undefined) return <>–</>;
  const exact = new Date(at).toLocaleString(locale(), { dateStyle: 'full', timeStyle: 'long' });
  return (
    <Text span inherit component="time" className="time" dateTime={at} title={exact}>
      {timeText(at, locale(), precise)}
    </Text>
  );
}

const UNITS = [
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
] as const;

/** How long something took, in its largest two units; nothing while an end is missing. */
export function Duration({ from, until }: { from: string | null | undefined; until: string | null | undefined }) {
  const { i18n } = useTranslation();
  if (!from || !until) return <>–</>;
  let left = Math.max(0, new Date(until).getTime() - new Date(from).getTime());
  const parts: string[] = [];
  for (const [unit, ms] of UNITS) {
    const amount = Math.floor(left / ms);
    left -= amount * ms;
    const isSmallest = unit === 'millisecond' && parts.length === 0;
    if (parts.length < 2 && (amount > 0 || isSmallest) && !(unit === 'millisecond' && parts.length > 1)) {
      parts.push(amount.toLocaleString(i18n.language, { style: 'unit', unit, unitDisplay: 'short' }));
    }
  }
  return <>{parts.join(' ')}</>;
}

const SECOND_MS = 1_000;

/** In the viewer's language. */
export function Latency({ ms }: { ms: number | null | undefined }) {
  const { i18n } = useTranslation();
  return <span className="time">{durationText(ms, i18n.language)}</span>;
}

/** A latency, for charts and columns of numbers. */
export function durationText(ms: number | null | undefined, language: string): string {
  if (ms === null || ms === undefined) return '–';
  const shown = { style: 'unit', unitDisplay: 'short' } as const;
  if (ms < SECOND_MS) return Math.round(ms).toLocaleString(language, { ...shown, unit: 'millisecond' });
  const digits = ms < 10 * SECOND_MS ? 2 : 1;
  return (ms / SECOND_MS).toLocaleString(language, { ...shown, unit: 'second', maximumFractionDigits: digits });
}
