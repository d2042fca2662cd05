/** Providers: whose models are called, with how many keys, and how these are. */
import { Anchor, Button, Code, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { ProviderKeyWithHealth } from '../api/generated/schema.ts';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { usePage, useShown } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { AddProvider } from './add-provider.tsx';
import { CIRCUITS_MS, CircuitBadge, openCircuits } from './circuits.tsx';
import { ProviderDetails } from './provider-details.tsx';

const PAGE_ROWS = 50;

export default function Providers() {
  const { t } = useTranslation();
  const pages = usePage();
  const [adding, addition] = useDisclosure();
  // In the address, so that other views can lead to one.
  const { shown, show, close } = useShown('id');
  const query = { pageNum: pages.page, pageSize: PAGE_ROWS, sortBy: 'name' as const };
  const providers = api.useQuery('get', '/v1/providers', { params: { query } });
  const keys = api.useQuery('get', '/v1/admin/provider-keys', {}, { refetchInterval: CIRCUITS_MS });
  const keysOf = (id: number) => keys.data?.filter(({ providerId }) => providerId === id);
  const add = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={addition.open}>
      {t('providers.add')}
    </Button>
  );
  const openProvider = (id: number) => {
    addition.close();
    show(String(id));
  };
  return (
    <Page title={t('providers.title')} about={t('providers.about')} actions={add}>
      <DataTable
        label={t('providers.title')}
        query={providers}
        rows={providers.data?.records}
        rowKey={({ id }) => id}
        empty={`${t('providers.none')} ${t('providers.noneAbout')}`}
        pages={<Pages {...pages} of={providers.data} />}
        columns={[
          {
            title: t('field.provider'),
            cell: ({ id, name, urlBase }) => (
              <Stack gap={2} align="flex-start">
                <Anchor component="button" size="sm" fw={600} onClick={() => openProvider(id)}>
                  {name}
                </Anchor>
                <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                  {urlBase}
                </Text>
              </Stack>
            ),
          },
          { title: t('providers.format'), from: 'md', cell: ({ kind }) => <Code>{kind}</Code> },
          { title: t('providers.keys'), cell: ({ id }) => <KeysInShort keys={keysOf(id)} /> },
          { title: t('providers.circuits'), cell: ({ id }) => <CircuitsInShort keys={keysOf(id)} /> },
          {
            ...{ title: t('providers.recentCalls'), align: 'end' },
            cell: ({ id }) => <CallsInShort keys={keysOf(id)} />,
          },
        ]}
      />
      <Modal size="xl" opened={adding} onClose={addition.close} title={t('providers.add')}>
        <AddProvider onDone={openProvider} />
      </Modal>
      <Details title={t('field.provider')} opened={shown !== undefined} onClose={close}>
        <ProviderDetails id={Number(shown)} onDeleted={close} />
      </Details>
    </Page>
  );
}

type Keys = readonly ProviderKeyWithHealth[] | undefined;

function KeysInShort({ keys }: { keys: Keys }) {
  const { t } = useTranslation();
  if (keys === undefined) return null;
  if (keys.length === 0) return <Text size="sm">{t('providers.noKeys')}</Text>;
  const active = keys.filter(({ status }) => status === 1).length;
  return <Text size="sm">{t('providers.activeOf', { active, all: keys.length })}</Text>;
}

function CircuitsInShort({ keys }: { keys: Keys }) {
  const { t } = useTranslation();
  if (keys === undefined || keys.length === 0) return <>–</>;
  const open = keys.flatMap(openCircuits);
  if (open.length === 0) return <CircuitBadge circuit="closed" />;
  const worst = open.some(({ circuit }) => circuit === 'open') ? 'open' : 'half-open';
  return (
    <Stack gap={2} align="flex-start">
      <CircuitBadge circuit={worst} />
      <Text size="xs">{t('providers.notClosed', { count: open.length })}</Text>
    </Stack>
  );
}

function CallsInShort({ keys }: { keys: Keys }) {
  const { t, i18n } = useTranslation();
  if (keys === undefined) return null;
  const calls = keys.reduce((sum, { recentCalls }) => sum + recentCalls, 0);
  const failures = keys.reduce((sum, { recentFailures }) => sum + recentFailures, 0);
  return (
    <Stack gap={2} align="flex-end">
      <Text size="sm">{calls.toLocaleString(i18n.language)}</Text>
      {failures > 0 && (
        <Text size="xs" c="var(--mantine-color-error)">
          {t('providers.failures', { count: failures })}
        </Text>
      )}
    </Stack>
  );
}
