/** An id in a table: its beginning and end, to be copied, and where it leads. */
import { Anchor, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { CopyIcon } from './secret.tsx';

const LONGEST = 14;

export function ShortId({ id, to }: { id: string; to?: string }) {
  const { t } = useTranslation();
  const text = id.length <= LONGEST ? id : `${id.slice(0, 6)}…${id.slice(-6)}`;
  const shown = (
    <Text span size="sm" ff="monospace" title={id}>
      {text}
    </Text>
  );
  return (
    <Group gap={2} wrap="nowrap">
      {to === undefined ? (
        shown
      ) : (
        <Anchor component={Link} to={to} size="sm">
          {shown}
        </Anchor>
      )}
      <CopyIcon text={id} label={`${t('action.copy')}: ${id}`} />
    </Group>
  );
}
