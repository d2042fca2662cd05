/** Whether provider keys may be called: the state of a circuit, why it is out, and until when. */
import { Badge, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ProviderKeyWithHealth } from '../api/generated/schema.ts';
import { Time } from '../shared/time.tsx';

type Circuit = Pick<ProviderKeyWithHealth, 'circuit' | 'reason' | 'until'>;

const COLORS = { closed: 'green', open: 'red', 'half-open': 'orange' } as const;

/** Circuits move while one looks: they are asked again. */
export const CIRCUITS_MS = 3_000;

export function CircuitBadge({ circuit }: Pick<Circuit, 'circuit'>) {
  const { t } = useTranslation();
  return (
    <Badge variant="dot" color={COLORS[circuit]} tt="none" fw={500} miw="max-content">
      {t(`circuit.${circuit}`)}
    </Badge>
  );
}

/** Why and until when; nothing for a closed one. */
export function CircuitReason({ reason, until }: Circuit) {
  const { t } = useTranslation();
  if (reason === null) return null;
  return (
    <Text size="sm" component="span">
      {t(`circuit.reason.${reason}`)} ·{' '}
      {until === null ? (
        t('circuit.now')
      ) : (
        <>
          {t('providerKeys.until')} <Time at={until} />
        </>
      )}
    </Text>
  );
}

export function CircuitLine(props: Circuit & { name: string }) {
  return (
    <Group gap="xs">
      <CircuitBadge {...props} />
      <Text size="sm" fw={500}>
        {props.name}
      </Text>
      <CircuitReason {...props} />
    </Group>
  );
}

/** The circuits of a key that are not closed: of its account, then of its models. */
export function openCircuits(key: ProviderKeyWithHealth): (Circuit & { modelIdentifier: string | null })[] {
  const { reason, until } = key;
  // A key that is out for each of its models is no more out than they are.
  const account = reason === null ? [] : [{ circuit: key.circuit, reason, until, modelIdentifier: null }];
  return [...account, ...key.modelCircuits];
}
