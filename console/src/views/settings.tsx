/** The settings in force, to be read: where each comes from; secrets are never told. */
import { Badge, Code, Group, Switch, Text, TextInput } from '@mantine/core';
import { LockKeyhole } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { DataTable } from '../shared/data-table.tsx';
import { useFilters } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';

export default function Settings() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['search', 'only']);
  const settings = api.useQuery('get', '/v1/admin/settings');
  const search = values.search?.toLowerCase() ?? '';
  const rows = settings.data?.filter(
    ({ name, value, source }) =>
      (values.only !== 'set' || source === 'set') && `${name} ${value ?? ''}`.toLowerCase().includes(search),
  );
  return (
    <Page title={t('settings.title')} about={t('settings.about')}>
      <Group align="end" className="filters">
        <TextInput
          label={t('settings.search')}
          w={260}
          value={values.search ?? ''}
          onChange={(event) => set('search', event.currentTarget.value)}
        />
        <Switch
          label={t('settings.onlySet')}
          mb={8}
          checked={values.only === 'set'}
          onChange={(event) => set('only', event.currentTarget.checked ? 'set' : null)}
        />
      </Group>
      <DataTable
        label={t('settings.title')}
        query={settings}
        rows={rows}
        rowKey={({ name }) => name}
        empty={t('settings.none')}
        columns={[
          {
            title: t('field.name'),
            cell: ({ name }) => (
              <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                {name}
              </Text>
            ),
          },
          {
            title: t('settings.value'),
            cell: ({ value, isSecret }) => {
              if (isSecret) {
                return (
                  <Group gap={6} wrap="nowrap" c="dimmed">
                    <LockKeyhole size={14} aria-hidden />
                    <Text size="sm">{t('settings.hidden')}</Text>
                  </Group>
                );
              }
              if (value === '' || value === null) {
                return (
                  <Text size="sm" c="dimmed">
                    {t('settings.empty')}
                  </Text>
                );
              }
              return <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{value}</Code>;
            },
          },
          {
            title: t('settings.source'),
            cell: ({ source }) => (
              <Badge variant={source === 'set' ? 'filled' : 'default'} tt="none" fw={500} miw="max-content">
                {t(`settings.${source}`)}
              </Badge>
            ),
          },
        ]}
      />
    </Page>
  );
}
