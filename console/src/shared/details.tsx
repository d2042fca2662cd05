/** One thing of a list, looked at beside it: which one stands in the address, so that a link can lead to it. */
import { Anchor, Drawer, Group, Stack, Table, Text } from '@mantine/core';
import { ExternalLink } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { CopyIcon } from './secret.tsx';

interface DetailsProps {
  readonly title: string;
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Details({ title, opened, onClose, children }: DetailsProps) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="xl"
      title={title}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {opened && <Stack gap="lg">{children}</Stack>}
    </Drawer>
  );
}

/** Names and values under each other; what is undefined is left out. */
export function Facts({ facts }: { facts: Readonly<Record<string, ReactNode>> }) {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  return (
    <Table variant="vertical" layout="fixed" withTableBorder>
      <Table.Tbody>
        {known.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={{ base: 120, sm: 180 }} scope="row" fw={500}>
              {name}
            </Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** An id in full, to be copied. */
export function Id({ id, to }: { id: string; to?: string }) {
  const { t } = useTranslation();
  const text = (
    <Text span size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
      {id}
    </Text>
  );
  return (
    <Group gap={4} wrap="nowrap">
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

/** Where an id leads: to everything that happened under it. */
export function lookupOf(id: string): string {
  return `/look-up?id=${encodeURIComponent(id)}`;
}

export function TemporalLink({ url }: { url: string }) {
  const { t } = useTranslation();
  return (
    <Anchor href={url} target="_blank" rel="noreferrer" size="sm">
      <Group gap={4} component="span" display="inline-flex">
        {t('all.temporal')} <ExternalLink size={14} aria-hidden />
      </Group>
    </Anchor>
  );
}
