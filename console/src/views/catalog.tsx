/** Models as those who administer them see them: found, tested, switched, changed, and made. */
import { Anchor, Button, Code, Group, Modal, Stack, Switch, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { useAllProviders } from '../shared/all-providers.ts';
import { Capabilities } from '../shared/capabilities.tsx';
import { CAPABILITIES } from '../shared/capability.ts';
import { Choice, TextFilter } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useFilters, usePage, useShown } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { ModelDetails } from './catalog-model.tsx';
import { ModelForm } from './model-form.tsx';
import { PriceInShort } from './price-text.tsx';

const PAGE_ROWS = 20;
const STATUSES = { online: 1, offline: 0 } as const;

export default function Catalog() {
  const { t } = useTranslation();
  const [creating, creation] = useDisclosure();
  const { values, settled, set } = useFilters(['search', 'providerId', 'capability', 'status']);
  const { shown, show, close } = useShown('id');
  const capability = CAPABILITIES.find((name) => name === values.capability);
  const status = values.status === 'online' || values.status === 'offline' ? values.status : undefined;
  const filter = {
    ...(settled.search === undefined ? {} : { search: settled.search }),
    ...(capability === undefined ? {} : { capability }),
    ...(status === undefined ? {} : { status: STATUSES[status] }),
    ...(values.providerId === undefined ? {} : { providerId: values.providerId }),
  };
  const pages = usePage(JSON.stringify(filter));
  const query = { pageNum: pages.page, pageSize: PAGE_ROWS, ...filter };
  const models = api.useQuery('get', '/v1/models', { params: { query } });
  const providers = useAllProviders();
  const setStatus = api.useMutation('post', '/v1/models/{id}/status');
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
      <Group align="end" className="filters">
        <TextFilter
          label={t('catalogModels.search')}
          width={240}
          value={values.search}
          onChange={(text) => set('search', text)}
        />
        <Choice
          label={t('field.provider')}
          searchable
          values={providers.data?.map(({ id }) => String(id)) ?? []}
          textOf={(value) => providers.data?.find(({ id }) => String(id) === value)?.name ?? value}
          value={values.providerId}
          onChange={(value) => set('providerId', value)}
        />
        <Choice
          label={t('catalogModels.capabilities')}
          values={CAPABILITIES}
          textOf={(value) => t(`capability.${value}`)}
          value={capability}
          onChange={(value) => set('capability', value)}
        />
        <Choice
          label={t('field.status')}
          values={['online', 'offline']}
          textOf={(value) => t(`status.${value}`)}
          value={status}
          onChange={(value) => set('status', value)}
        />
      </Group>
      <DataTable
        label={t('catalogModels.title')}
        query={models}
        rows={models.data?.records}
        rowKey={({ id }) => id}
        empty={t('catalogModels.none')}
        pages={<Pages {...pages} of={models.data} />}
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
          { title: t('catalogModels.price'), cell: (model) => <PriceInShort {...model} /> },
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
      <Modal size="xl" opened={creating} onClose={creation.close} title={t('catalogModels.add')}>
        <ModelForm
          onDone={({ id }) => {
            creation.close();
            show(String(id));
          }}
        />
      </Modal>
      <Details title={t('field.model')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <ModelDetails id={shown} onDeleted={close} />}
      </Details>
    </Page>
  );
}
