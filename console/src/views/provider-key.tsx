/** A key of a provider: masked, with its circuits, its last error, and what can be done with it. */
import { Button, Code, Group, Modal, Paper, SimpleGrid, Stack, Switch, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { ProviderKeyWithHealth } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { Time } from '../shared/time.tsx';
import { CircuitBadge, CircuitLine, openCircuits } from './circuits.tsx';
import { ProbeOutcome } from './probe-outcome.tsx';
import { KeyChangeForm, NewKeyForm } from './provider-key-form.tsx';

export function ProviderKeyCard({ providerKey: key }: { providerKey: ProviderKeyWithHealth }) {
  const { t, i18n } = useTranslation();
  const [editing, edit] = useDisclosure();
  const [entering, entry] = useDisclosure();
  const path = { keyId: key.id };
  const name = key.name || t('providerKeys.unnamed', { id: key.id });
  const setStatus = api.useMutation('post', '/v1/providers/keys/{keyId}/status');
  const remove = api.useMutation('delete', '/v1/providers/keys/{keyId}');
  const test = api.useMutation('post', '/v1/providers/keys/{keyId}/test');
  const open = openCircuits(key);
  return (
    <Paper withBorder p="md" component="section" aria-label={name}>
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Stack gap={4}>
            <Group gap="sm">
              <Text fw={600}>{name}</Text>
              <Code>{key.maskedApiKey}</Code>
              <CircuitBadge circuit={key.circuit} />
            </Group>
            {key.mustBeEnteredAgain && <Text size="sm">{t('providerKeys.mustBeEntered')}</Text>}
          </Stack>
          {key.mustBeEnteredAgain ? (
            <Button size="xs" onClick={entry.open}>
              {t('providerKeys.enterAgain')}
            </Button>
          ) : (
            <Switch
              checked={key.status === 1}
              aria-label={t('providerKeys.switch', { name })}
              onChange={() => setStatus.mutate({ params: { path }, body: { status: key.status !== 1 } })}
            />
          )}
        </Group>
        {open.map((circuit) => (
          <CircuitLine
            key={circuit.modelIdentifier ?? ''}
            {...circuit}
            name={circuit.modelIdentifier ?? t('providerKeys.account')}
          />
        ))}
        <SimpleGrid cols={{ base: 3 }} spacing="xs" style={{ alignItems: 'end' }}>
          <Fact label={t('providerKeys.weight')}>{key.weight.toLocaleString(i18n.language)}</Fact>
          <Fact label={t('providerKeys.picks')}>{key.recentCalls.toLocaleString(i18n.language)}</Fact>
          <Fact label={t('providerKeys.failures')}>{key.recentFailures.toLocaleString(i18n.language)}</Fact>
        </SimpleGrid>
        <Fact label={t('providerKeys.lastError')}>
          {key.lastError === null ? (
            <Text size="sm">{t('providerKeys.noError')}</Text>
          ) : (
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              <Time at={key.lastError.time} /> · {key.lastError.message}
            </Text>
          )}
        </Fact>
        {test.data && <ProbeOutcome {...test.data} />}
        <Group gap="xs">
          <Button
            size="xs"
            loading={test.isPending}
            title={t('providerKeys.testAbout')}
            disabled={key.mustBeEnteredAgain}
            onClick={() => test.mutate({ params: { path } })}
          >
            {t('providerKeys.test')}
          </Button>
          <Button variant="default" size="xs" onClick={edit.open}>
            {t('providerKeys.edit')}
          </Button>
          <ConfirmButton
            variant="light"
            size="xs"
            label={t('providerKeys.delete')}
            about={name}
            question={t('providerKeys.deleteQuestion', { name })}
            onConfirm={() => remove.mutateAsync({ params: { path } })}
          />
        </Group>
      </Stack>
      <Modal
        opened={editing || entering}
        onClose={() => {
          edit.close();
          entry.close();
        }}
        title={t(entering ? 'providerKeys.enterAgain' : 'providerKeys.edit')}
      >
        {entering ? (
          <NewKeyForm providerId={key.providerId} onDone={entry.close} />
        ) : (
          <KeyChangeForm providerKey={key} onDone={edit.close} />
        )}
      </Modal>
    </Paper>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" component="div" className="numbers">
        {children}
      </Text>
    </div>
  );
}
