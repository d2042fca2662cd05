/** An id to be copied, and the way to what it names. */
import { Anchor, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { CopyIcon } from './secret.tsx';

const LONGEST_SHORT = 14;

interface IdProps {
  readonly id: string;
  /** Where it leads. */
  readonly to?: string;
  /** In tables: its beginning and end. */
  readonly short?: boolean;
}

export function Id({ id, to, short = false }: IdProps) {
  const { t } = useTranslation();
  const isCut = short && id.length > LONGEST_SHORT;
  const text = (
    <Text span size="sm" ff="monospace" className={short ? 'time' : 'name'} title={isCut ? id : undefined}>
      {isCut ? `${id.slice(0, 6)}…${id.slice(-6)}` : id}
    </Text>
  );
  return (
    <Group gap={2} wrap="nowrap">
      {to === undefined ? (
        text
      ) : (
        <Anchor component={Link} to={to} size="sm">
          {text}
        </Anchor>
      )}
      <CopyIcon text={id} label={`${t('action.copy')}: ${id}`} />
    </Group>
  );
}

/** To everything that happened under an id. */
export function lookupOf(id: string): string {
  return `/look-up?id=${encodeURIComponent(id)}`;
}
