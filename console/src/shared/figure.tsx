/** One number with its name, at the top of overviews. */
import { Paper, Skeleton, Text } from '@mantine/core';
import type { ReactNode } from 'react';

interface FigureProps {
  readonly label: string;
  readonly value: ReactNode;
  /** What keeps the value from coming; something else on the page says it in words. */
  readonly error?: unknown;
  readonly about?: ReactNode;
  readonly testId?: string;
}

export function Figure({ label, value, error, about, testId }: FigureProps) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text
        size="xl"
        fw={700}
        className="numbers figure"
        component="div"
        data-testid={testId}
        style={{ overflowWrap: 'anywhere' }}
      >
        {value ?? (error ? '–' : <Skeleton height={28} width={120} />)}
      </Text>
      {about !== undefined && (
        <Text size="xs" c="dimmed" component="div">
          {about}
        </Text>
      )}
    </Paper>
  );
}
