/** One model: who serves it, what it costs and has cost, and a test by a real call. */
import { Anchor, Badge, Button, Code, Group, Modal, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { Model } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { CursorPages } from '../shared/data-table.tsx';
import { useCursor } from '../shared/filters.ts';
import { ErrorState, LoadingView } from '../shared/page-states.tsx';
import { CopyIcon } from '../shared/secret.tsx';
import { StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { ModelForm } from './model-form.tsx';
import { PriceInFull } from './price-text.tsx';
import { ProbeOutcome } from './probe-outcome.tsx';

const HISTORY_ROWS = 5;

export function ModelDetails({ id, onDeleted }: { id: string; onDeleted: () => void }) {
  const { t } = useTranslation();
  const [editing, edit] = useDisclosure();
  const path = { id };
  const found = api.useQuery('get', '/v1/models/{id}', { params: { path } });
  const test = api.useMutation('post', '/v1/models/{id}/test');
  const remove = api.useMutation('delete', '/v1/models/{id}', { onSuccess: onDeleted });
  if (found.error) return <ErrorState error={found.error} onRetry={found.refetch} />;
  const model = found.data;
  if (!model) return <LoadingView />;
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Group gap="sm">
          <Title order={2} size="h3">
            {model.displayName}
          </Title>
          <StatusBadge status={model.status === 1 ? 'online' : 'offline'} />
        </Group>
        <Group gap={4}>
          <Code>{model.modelIdentifier}</Code>
          <CopyIcon text={model.modelIdentifier} label={t('models.copyName', { name: model.modelIdentifier })} />
        </Group>
        <Group gap={4}>
          {model.capabilities.map((name) => (
            <Badge key={name} variant="default" tt="none" fw={500}>
              {t(`capability.${name}`)}
            </Badge>
          ))}
        </Group>
      </Stack>
      <Group gap="xs">
        <Button size="xs" loading={test.isPending} onClick={() => test.mutate({ params: { path: { id: model.id } } })}>
          {t('catalogModels.test')}
        </Button>
        <Button size="xs" variant="default" onClick={edit.open}>
          {t('action.edit')}
        </Button>
        <ConfirmButton
          size="xs"
          label={t('catalogModels.delete')}
          question={t('catalogModels.deleteQuestion', { name: model.displayName })}
          onConfirm={() => remove.mutateAsync({ params: { path: { id: model.id } } })}
        />
      </Group>
      {test.data && <ProbeOutcome {...test.data} />}
      <Facts {...model} />
      <Stack gap="xs">
        <Title order={3} size="h4">
          {t('catalogModels.price')}
        </Title>
        {model.pricing === null ? (
          <Text size="sm">{t('catalogModels.noPrice')}</Text>
        ) : (
          <PriceInFull pricing={model.pricing} capabilities={model.capabilities} />
        )}
      </Stack>
      <History model={model} />
      <Modal
        size="xl"
        opened={editing}
        onClose={edit.close}
        title={t('catalogModels.edit')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <ModelForm edited={model} onDone={edit.close} />
      </Modal>
    </Stack>
  );
}

function Facts(model: Model) {
  const { t, i18n } = useTranslation();
  const tokens = (count: number | null, none: string) => count?.toLocaleString(i18n.language) ?? none;
  const facts = [
    {
      label: t('field.provider'),
      value: (
        <Anchor component={Link} to={`/providers?id=${model.providerId}`} size="sm">
          {model.providerName}
        </Anchor>
      ),
    },
    { label: t('catalogModels.upstream'), value: model.upstreamModel || model.modelIdentifier },
    { label: t('catalogModels.priority'), value: model.priority },
    { label: t('catalogModels.contextWindow'), value: tokens(model.contextWindow, t('catalogModels.unknown')) },
    { label: t('catalogModels.maxOutputTokens'), value: tokens(model.maxOutputTokens, t('catalogModels.unknown')) },
    { label: t('catalogModels.defaultMaxTokens'), value: tokens(model.defaultMaxTokens, t('catalogModels.byDefault')) },
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="sm">
      {facts.map(({ label, value }) => (
        <div key={label}>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
          <Text size="sm" component="div" className="numbers" style={{ overflowWrap: 'anywhere' }}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

/** The newest version is in force. */
function History({ model }: { model: Model }) {
  const { t } = useTranslation();
  const cursor = useCursor(String(model.id));
  const query = { pageSize: HISTORY_ROWS, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const versions = api.useQuery('get', '/v1/admin/models/{id}/prices', { params: { path: { id: model.id }, query } });
  if (versions.error) return <ErrorState error={versions.error} onRetry={versions.refetch} />;
  if (!versions.data) return <LoadingView />;
  const { records, next } = versions.data;
  if (records.length === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={3} size="h4">
        {t('catalogModels.history')}
      </Title>
      {records.map(({ version, pricing, createdBy, createdAt }, index) => (
        <Paper key={version} withBorder p="sm">
          <Group gap="xs" mb={4}>
            <Text size="sm" fw={600}>
              {t('catalogModels.version', { version })}
            </Text>
            {index === 0 && cursor.cursor === undefined && (
              <Badge variant="dot" color="green" tt="none" fw={500}>
                {t('catalogModels.inForce')}
              </Badge>
            )}
            <Text size="xs" c="dimmed">
              <Time at={createdAt} /> ·{' '}
              {createdBy === null ? t('catalogModels.byCommand') : t('catalogModels.setBy', { id: createdBy })}
            </Text>
          </Group>
          <PriceInFull pricing={pricing} capabilities={model.capabilities} />
        </Paper>
      ))}
      <CursorPages {...cursor} nextCursor={next} />
    </Stack>
  );
}
