/** The models that can be called, and what they cost. */
import { Code, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { Capabilities } from '../shared/capabilities.tsx';
import { CAPABILITIES } from '../shared/capability.ts';
import { Choice } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { useFilters, usePage } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { CopyIcon } from '../shared/secret.tsx';
import { PriceInShort } from './price-text.tsx';

const PAGE_ROWS = 20;

export default function Models() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['capability']);
  const capability = CAPABILITIES.find((name) => name === values.capability);
  const pages = usePage(capability);
  const query = {
    ...{ pageNum: pages.page, pageSize: PAGE_ROWS, status: 1 as const },
    ...(capability === undefined ? {} : { capability }),
  };
  const models = api.useQuery('get', '/v1/models', { params: { query } });
  return (
    <Page title={t('models.title')} about={t('models.about')}>
      <Group>
        <Choice
          label={t('models.capability')}
          values={CAPABILITIES}
          textOf={(value) => t(`capability.${value}`)}
          value={capability}
          onChange={(value) => set('capability', value)}
        />
      </Group>
      <DataTable
        label={t('models.title')}
        query={models}
        rows={models.data?.records}
        rowKey={({ id }) => id}
        empty={t('models.none')}
        pages={<Pages {...pages} of={models.data} />}
        columns={[
          {
            title: t('field.model'),
            cell: ({ displayName, modelIdentifier }) => (
              <Stack gap={2}>
                <Text size="sm">{displayName}</Text>
                <Group gap={4} wrap="nowrap">
                  <Code>{modelIdentifier}</Code>
                  <CopyIcon text={modelIdentifier} label={t('models.copyName', { name: modelIdentifier })} />
                </Group>
              </Stack>
            ),
          },
          { title: t('models.price'), cell: (model) => <PriceInShort {...model} /> },
          {
            ...{ title: t('models.context'), align: 'end', from: 'lg' },
            cell: ({ contextWindow }) => contextWindow?.toLocaleString() ?? '–',
          },
          {
            ...{ title: t('models.capability'), from: 'md' },
            cell: (model) => <Capabilities {...model} />,
          },
        ]}
      />
    </Page>
  );
}
