/** Times in the zone and language of whoever looks. */
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

function timeText(iso: string, language: string): string {
  return new Date(iso).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
}

/** The whole time, with seconds and zone, is in its tooltip. */
export function Time({ at }: { at: string | null | undefined }) {
  const { i18n } = useTranslation();
  if (at === null || at === undefined) return <>–</>;
  const exact = new Date(at).toLocaleString(i18n.language, { dateStyle: 'full', timeStyle: 'long' });
  return (
    <Text span inherit component="time" dateTime={at} title={exact}>
      {timeText(at, i18n.language)}
    </Text>
  );
}
