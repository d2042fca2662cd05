/** Models as those who administer them see them: found, tested, switched, changed, and made. */
import {
  Anchor,
  Badge,
  Button,
  Code,
  Drawer,
  Group,
  Modal,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Model } from '../api/generated/schema.ts';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { useFilters, useShown } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { ModelDetails } from './catalog-model.tsx';
import { ModelForm } from './model-form.tsx';
import { CAPABILITIES } from './price-fields.ts';
import { PriceInShort } from './price-text.tsx';

const PAGE_ROWS = 20;
const TYPING_MS = 300;
const MOST_PROVIDERS = 100;
const STATUSES = { online: 1, offline: 0 } as const;

export default function Catalog() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [creating, creation] = useDisclosure();
  const { values, set } = useFilters(['search', 'providerId', 'capability', 'status']);
  const { shown, show, close } = useShown('id');
  const [search] = useDebouncedValue(values.search, TYPING_MS);
  const capability = CAPABILITIES.find((name) => name === values.capability);
  const status = values.status === 'online' || values.status === 'offline' ? values.status : undefined;
  const query = {
    ...{ pageNum: page, pageSize: PAGE_ROWS },
    ...(search === undefined ? {} : { search }),
    ...(capability === undefined ? {} : { capability }),
    ...(status === undefined ? {} : { status: STATUSES[status] }),
    ...(values.providerId === undefined ? {} : { providerId: values.providerId }),
  };
  const models = api.useQuery('get', '/v1/models', { params: { query } });
  const providers = api.useQuery('get', '/v1/providers', {
    params: { query: { pageSize: MOST_PROVIDERS, sortBy: 'name' } },
  });
  const setStatus = api.useMutation('post', '/v1/models/{id}/status');
  const filterBy = (name: 'search' | 'providerId' | 'capability' | 'status', value: string | null) => {
    set(name, value);
    setPage(1);
  };
  return (
    <Page
      title={t('catalogModels.title')}
      about={t('catalogModels.about')}
      actions={
        <Button leftSection={<Plus size={16} aria-hidden />} onClick={creation.open}>
          {t('catalogModels.add')}
        </Button>
      }
    >
      <Group align="end">
        <TextInput
          label={t('catalogModels.search')}
          miw={240}
          value={values.search ?? ''}
          onChange={(event) => filterBy('search', event.currentTarget.value)}
        />
        <Select
          label={t('field.provider')}
          placeholder={t('models.all')}
          clearable
          searchable
          data={providers.data?.records.map(({ id, name }) => ({ value: String(id), label: name })) ?? []}
          value={values.providerId ?? null}
          onChange={(value) => filterBy('providerId', value)}
        />
        <Select
          label={t('catalogModels.capabilities')}
          placeholder={t('models.all')}
          clearable
          data={CAPABILITIES.map((value) => ({ value, label: t(`capability.${value}`) }))}
          value={capability ?? null}
          onChange={(value) => filterBy('capability', value)}
        />
        <Select
          label={t('field.status')}
          placeholder={t('models.all')}
          clearable
          data={(['online', 'offline'] as const).map((value) => ({ value, label: t(`status.${value}`) }))}
          value={status ?? null}
          onChange={(value) => filterBy('status', value)}
        />
      </Group>
      <DataTable
        label={t('catalogModels.title')}
        query={models}
        rows={models.data?.records}
        rowKey={({ id }) => id}
        empty={t('catalogModels.none')}
        pages={<Pages page={page} pages={models.data?.pages ?? 1} total={models.data?.total ?? 0} onChange={setPage} />}
        columns={[
          {
            title: t('field.model'),
            cell: ({ id, displayName, modelIdentifier }) => (
              <Stack gap={4} align="flex-start">
                <Anchor component="button" size="sm" fw={600} ta="start" onClick={() => show(String(id))}>
                  {displayName}
                </Anchor>
                <Code>{modelIdentifier}</Code>
              </Stack>
            ),
          },
          {
            ...{ title: t('field.provider'), from: 'md' },
            cell: ({ providerName, priority }) => (
              <Stack gap={2}>
                <Text size="sm">{providerName}</Text>
                <Text size="xs" c="dimmed">
                  {t('catalogModels.priorityShort', { value: priority })}
                </Text>
              </Stack>
            ),
          },
          { title: t('catalogModels.capabilities'), from: 'lg', cell: (model) => <Capabilities {...model} /> },
          { title: t('catalogModels.price'), from: 'sm', cell: (model) => <PriceInShort {...model} /> },
          {
            ...{ title: t('catalogModels.online'), align: 'end' },
            cell: (model) => (
              <Switch
                checked={model.status === 1}
                aria-label={t('catalogModels.switch', { name: model.displayName })}
                display="inline-block"
                onChange={() =>
                  setStatus.mutate({
                    params: { path: { id: model.id } },
                    body: { status: model.status === 1 ? 0 : 1 },
                  })
                }
              />
            ),
          },
        ]}
      />
      <Modal
        size="xl"
        opened={creating}
        onClose={creation.close}
        title={t('catalogModels.add')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <ModelForm
          onDone={({ id }) => {
            creation.close();
            show(String(id));
          }}
        />
      </Modal>
      <Drawer
        size="xl"
        position="right"
        opened={shown !== undefined}
        onClose={close}
        title={t('field.model')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        {shown !== undefined && <ModelDetails id={shown} onDeleted={close} />}
      </Drawer>
    </Page>
  );
}

function Capabilities({ capabilities }: Pick<Model, 'capabilities'>) {
  const { t } = useTranslation();
  return (
    <Group gap={4}>
      {capabilities.map((name) => (
        <Badge key={name} variant="default" tt="none" fw={500}>
          {t(`capability.${name}`)}
        </Badge>
      ))}
    </Group>
  );
}
