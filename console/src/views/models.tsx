/** The models that can be called, and what they cost. */
import { Code, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Model } from '../api/generated/schema.ts';
import { perMillion } from '../shared/amounts.ts';
import { CAPABILITIES, Capabilities } from '../shared/capabilities.tsx';
import { Choice } from '../shared/choice.tsx';
import { DataTable, Pages } from '../shared/data-table.tsx';
import { useFilters, usePage } from '../shared/filters.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { CopyIcon } from '../shared/secret.tsx';

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
          { title: t('models.price'), cell: (model) => <Prices {...model} /> },
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

/** Prices of tokens are those of a million. */
function Prices({ pricing, capabilities }: Pick<Model, 'pricing' | 'capabilities'>) {
  const { t } = useTranslation();
  if (pricing === null) return <Text size="sm">–</Text>;
  const { input, output, cachedInput, perRequest, rules } = pricing;
  // The output of a model that makes images is images, unless they have a price of their own.
  const makesImages = capabilities.some((name) => name.endsWith('to-image'));
  const perImage = pricing.perImage ?? (makesImages ? output : undefined);
  const lines = [
    { name: t('price.input'), amount: input && perMillion(input) },
    { name: t('price.cachedInput'), amount: cachedInput && perMillion(cachedInput) },
    { name: t('price.output'), amount: perImage === output ? undefined : output && perMillion(output) },
    { name: t('price.perImage'), amount: perImage },
    { name: t('price.perRequest'), amount: perRequest },
  ].filter(({ amount }) => amount !== undefined && Number(amount) > 0);
  return (
    <Stack gap={0}>
      {lines.map(({ name, amount }) => (
        <Text size="sm" key={name}>
          {name} <Money amount={amount} />
        </Text>
      ))}
      {(rules?.length ?? 0) > 0 && (
        <Text size="xs" c="dimmed">
          {t('price.rules', { count: rules?.length ?? 0 })}
        </Text>
      )}
    </Stack>
  );
}
