/** A state in a word, with a dot in its colour: the word can be read by itself. */
import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const COLORS = {
  active: 'green',
  disabled: 'gray',
  expired: 'orange',
  online: 'green',
  offline: 'gray',
} as const;

export type Status = keyof typeof COLORS;

export function StatusBadge({ status }: { status: Status }) {
  const { t } = useTranslation();
  return (
    <Badge variant="dot" color={COLORS[status]} tt="none" fw={500}>
      {t(`status.${status}`)}
    </Badge>
  );
}
