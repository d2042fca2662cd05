/** One model: who serves it, what it costs and has cost, and a test by a real call. */
import { Anchor, Badge, Button, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { Model } from '../api/generated/schema.ts';
import { Capabilities } from '../shared/capabilities.tsx';
import { ConfirmButton } from '../shared/confirm.tsx';
import { CursorPages } from '../shared/data-table.tsx';
import { Facts } from '../shared/details.tsx';
import { useCursor } from '../shared/filters.ts';
import { Id } from '../shared/id.tsx';
import { NotLoaded } from '../shared/page-states.tsx';
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
  const model = found.data;
  if (!model) return <NotLoaded query={found} />;
  return (
    <>
      <Stack gap="xs">
        <Group gap="sm">
          <Title order={2} size="h3">
            {model.displayName}
          </Title>
          <StatusBadge status={model.status === 1 ? 'online' : 'offline'} />
        </Group>
        <Id id={model.modelIdentifier} />
        <Capabilities {...model} />
      </Stack>
      <Group gap="xs">
        <Button size="xs" loading={test.isPending} onClick={() => test.mutate({ params: { path: { id: model.id } } })}>
          {t('catalogModels.test')}
        </Button>
        <Button size="xs" variant="default" onClick={edit.open}>
          {t('action.edit')}
        </Button>
        <ConfirmButton
          variant="light"
          size="xs"
          label={t('catalogModels.delete')}
          question={t('catalogModels.deleteQuestion', { name: model.displayName })}
          onConfirm={() => remove.mutateAsync({ params: { path: { id: model.id } } })}
        />
      </Group>
      {test.data && <ProbeOutcome {...test.data} />}
      <ModelFacts {...model} />
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
      <Modal size="xl" opened={editing} onClose={edit.close} title={t('catalogModels.edit')}>
        <ModelForm edited={model} onDone={edit.close} />
      </Modal>
    </>
  );
}

function ModelFacts(model: Model) {
  const { t, i18n } = useTranslation();
  const tokens = (count: number | null, none: string) => count?.toLocaleString(i18n.language) ?? none;
  return (
    <Facts
      facts={{
        [t('field.provider')]: (
          <Anchor component={Link} to={`/providers?id=${model.providerId}`} size="sm">
            {model.providerName}
          </Anchor>
        ),
        [t('catalogModels.upstream')]: model.upstreamModel || model.modelIdentifier,
        [t('catalogModels.priority')]: model.priority,
        [t('catalogModels.contextWindow')]: tokens(model.contextWindow, t('catalogModels.unknown')),
        [t('catalogModels.maxOutputTokens')]: tokens(model.maxOutputTokens, t('catalogModels.unknown')),
        [t('catalogModels.defaultMaxTokens')]: tokens(model.defaultMaxTokens, t('catalogModels.byDefault')),
      }}
    />
  );
}

/** The newest version is in force. */
function History({ model }: { model: Model }) {
  const { t } = useTranslation();
  const cursor = useCursor(String(model.id));
  const query = { pageSize: HISTORY_ROWS, ...(cursor.cursor && { cursor: cursor.cursor }) };
  const versions = api.useQuery('get', '/v1/admin/models/{id}/prices', { params: { path: { id: model.id }, query } });
  if (!versions.data) return <NotLoaded query={versions} />;
  const { records, next } = versions.data;
  if (records.length === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={3} size="h4">
        {t('catalogModels.history')}
      </Title>
      {records.map(({ version, pricing, capabilities, createdBy, createdAt }, index) => (
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
          <PriceInFull pricing={pricing} capabilities={capabilities} />
        </Paper>
      ))}
      <CursorPages {...cursor} nextCursor={next} />
    </Stack>
  );
}
