/** One provider: its keys with their circuits live, its models, and what the vendor offers. */
import { Badge, Button, Code, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { Provider } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { EmptyState, ErrorState, NotLoaded } from '../shared/page-states.tsx';
import { CIRCUITS_MS } from './circuits.tsx';
import { ProviderForm } from './provider-form.tsx';
import { ProviderKeyCard } from './provider-key.tsx';
import { NewKeyForm } from './provider-key-form.tsx';

const MOST_MODELS = 100;

export function ProviderDetails({ id, onDeleted }: { id: number; onDeleted: () => void }) {
  const { t } = useTranslation();
  const [editing, edit] = useDisclosure();
  const provider = api.useQuery('get', '/v1/providers/{id}', { params: { path: { id } } });
  const remove = api.useMutation('delete', '/v1/providers/{id}', { onSuccess: onDeleted });
  if (!provider.data) return <NotLoaded query={provider} />;
  const { name, kind, urlBase } = provider.data;
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Group gap="sm">
            <Title order={2} size="h3">
              {name}
            </Title>
            <Badge variant="default" tt="none">
              {kind}
            </Badge>
          </Group>
          <Code style={{ overflowWrap: 'anywhere' }}>{urlBase || '–'}</Code>
        </Stack>
        <Group gap="xs">
          <Button variant="default" size="xs" onClick={edit.open}>
            {t('action.edit')}
          </Button>
          <ConfirmButton
            variant="light"
            size="xs"
            label={t('providers.delete')}
            question={t('providers.deleteQuestion', { name })}
            onConfirm={() => remove.mutateAsync({ params: { path: { id } } })}
          />
        </Group>
      </Group>
      <Keys provider={provider.data} />
      <Models id={id} />
      <Upstream id={id} />
      <Modal opened={editing} onClose={edit.close} title={t('providers.change')}>
        <ProviderForm edited={provider.data} onDone={edit.close} />
      </Modal>
    </>
  );
}

function Keys({ provider }: { provider: Provider }) {
  const { t } = useTranslation();
  const [adding, addition] = useDisclosure();
  const path = { providerId: provider.id };
  const keys = api.useQuery(
    'get',
    '/v1/providers/{providerId}/keys',
    { params: { path } },
    { refetchInterval: CIRCUITS_MS },
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={3} size="h4">
          {t('providers.keys')}
        </Title>
        <Button size="xs" leftSection={<Plus size={14} aria-hidden />} onClick={addition.open}>
          {t('providerKeys.add')}
        </Button>
      </Group>
      {!keys.data && <NotLoaded query={keys} />}
      {keys.data?.length === 0 && (
        <Paper withBorder>
          <EmptyState text={t('providerKeys.none')} />
        </Paper>
      )}
      {keys.data?.map((key) => (
        <ProviderKeyCard key={key.id} providerKey={key} />
      ))}
      <Modal opened={adding} onClose={addition.close} title={t('providerKeys.add')}>
        <NewKeyForm providerId={provider.id} onDone={addition.close} />
      </Modal>
    </Stack>
  );
}

function Models({ id }: { id: number }) {
  const { t } = useTranslation();
  const query = { providerId: id, pageSize: MOST_MODELS };
  const models = api.useQuery('get', '/v1/models', { params: { query } });
  if (!models.data) return <NotLoaded query={models} />;
  const { records, total } = models.data;
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={3} size="h4">
          {t('providers.models')} ({total})
        </Title>
        <Button component={Link} to={`/catalog?providerId=${id}`} variant="default" size="xs">
          {t('catalogModels.title')}
        </Button>
      </Group>
      <Group gap={6}>
        {records.map(({ id: modelId, modelIdentifier, status }) => (
          <Badge
            key={modelId}
            component={Link}
            to={`/catalog?id=${modelId}`}
            variant="dot"
            color={status === 1 ? 'green' : 'gray'}
            tt="none"
            fw={500}
            style={{ cursor: 'pointer' }}
          >
            {modelIdentifier}
          </Badge>
        ))}
      </Group>
    </Stack>
  );
}

/** Asked of the vendor only when somebody wants to know. */
function Upstream({ id }: { id: number }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState(false);
  const path = { id };
  const listed = api.useQuery('get', '/v1/providers/{id}/upstream-models', { params: { path } }, { enabled: asked });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={3} size="h4">
          {t('providers.upstream')}
        </Title>
        <Button variant="default" size="xs" loading={listed.isFetching} onClick={() => setAsked(true)}>
          {t('providers.upstreamAsk')}
        </Button>
      </Group>
      {listed.error && <ErrorState error={listed.error} onRetry={listed.refetch} />}
      {listed.data && (
        <>
          <Text size="sm" c="dimmed">
            {t('providers.upstreamAbout', { count: listed.data.length })}
          </Text>
          <Group gap={6}>
            {listed.data.map((model) => (
              <Code key={model.id}>{model.id}</Code>
            ))}
          </Group>
        </>
      )}
    </Stack>
  );
}
