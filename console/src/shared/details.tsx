/** One thing of a list, looked at beside it. */
import { Anchor, Drawer, Group, Stack, Table } from '@mantine/core';
import { ExternalLink } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface DetailsProps {
  readonly title: string;
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Whether something is asked above it: Escape is then an answer to that. */
function isCovered(): boolean {
  return [...document.querySelectorAll('[role=dialog]')].filter((dialog) => dialog.checkVisibility()).length > 1;
}

export function Details({ title, opened, onClose, children }: DetailsProps) {
  const close = () => {
    if (!isCovered()) onClose();
  };
  return (
    <Drawer opened={opened} onClose={close} size="xl" title={title}>
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
