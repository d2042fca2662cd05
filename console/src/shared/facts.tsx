/** What is known of one thing, a line for each. */
import { Code, Group, Table } from '@mantine/core';
import type { ReactNode } from 'react';
import { CopyIcon } from './secret.tsx';

interface FactsProps {
  /** Said to those who cannot see it. */
  readonly label: string;
  readonly facts: readonly (readonly [name: string, value: ReactNode])[];
}

export function Facts({ label, facts }: FactsProps) {
  return (
    <Table variant="vertical" withRowBorders verticalSpacing="xs" aria-label={label} layout="fixed">
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={140} scope="row">
              {name}
            </Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** An id, and a button that copies it. */
export function Id({ text }: { text: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Code className="name">{text}</Code>
      <CopyIcon text={text} kind="id" />
    </Group>
  );
}
