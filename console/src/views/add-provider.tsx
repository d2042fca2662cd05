/** A new provider: a known vendor and a key of it, or by hand. */
import {
  Button,
  Checkbox,
  Group,
  Paper,
  PasswordInput,
  ScrollArea,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { ArrowLeft } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { operations, ProbeResult } from '../api/generated/schema.ts';
import { SETTINGS } from '../settings.ts';
import { fieldErrors } from '../shared/form.ts';
import { NotLoaded } from '../shared/page-states.tsx';
import { useRequestKey } from '../shared/request-key.ts';
import { ProbeOutcome } from './probe-outcome.tsx';
import { ProviderForm } from './provider-form.tsx';

export type Preset = operations['listPresets']['responses']['200']['content']['application/json'][number];
type Added = operations['addPreset']['responses']['200']['content']['application/json'];

/** @param props.onDone gets the id of the provider that was made. */
export function AddProvider({ onDone }: { onDone: (id: number) => void }) {
  const { t } = useTranslation();
  const [how, setHow] = useState('preset');
  const [preset, setPreset] = useState<Preset>();
  if (preset) return <PresetForm preset={preset} onBack={() => setPreset(undefined)} onDone={onDone} />;
  return (
    <Stack>
      <SegmentedControl
        aria-label={t('providers.add')}
        value={how}
        onChange={setHow}
        data={[
          { value: 'preset', label: t('providers.preset') },
          { value: 'hand', label: t('providers.byHand') },
        ]}
      />
      {how === 'preset' ? <Vendors onChoose={setPreset} /> : <ProviderForm onDone={onDone} />}
    </Stack>
  );
}

function Vendors({ onChoose }: { onChoose: (preset: Preset) => void }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const presets = api.useQuery('get', '/v1/providers/presets');
  if (!presets.data) return <NotLoaded query={presets} />;
  const wanted = search.trim().toLowerCase();
  const found = presets.data.filter(({ name, displayName }) => `${name} ${displayName}`.toLowerCase().includes(wanted));
  return (
    <>
      <TextInput
        label={t('providers.searchVendor')}
        data-autofocus
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      {found.length === 0 && <Text c="dimmed">{t('providers.noVendor')}</Text>}
      <SimpleGrid cols={{ base: 1, xs: 2, sm: 3 }} spacing="sm">
        {found.map((preset) => (
          <UnstyledButton key={preset.name} onClick={() => onChoose(preset)}>
            <Paper withBorder p="md" h="100%" className="card">
              <Text fw={600}>{preset.displayName}</Text>
              <Text size="sm" c="dimmed">
                {preset.models.length > 0
                  ? t('providers.modelCount', { count: preset.models.length })
                  : t('providers.ownModels')}
              </Text>
              <Text size="sm" c="dimmed">
                {preset.currency === null
                  ? t('providers.free')
                  : t('providers.pricesIn', { currency: preset.currency })}
              </Text>
            </Paper>
          </UnstyledButton>
        ))}
      </SimpleGrid>
    </>
  );
}

interface PresetFormProps {
  readonly preset: Preset;
  readonly onBack: () => void;
  readonly onDone: (id: number) => void;
}

function PresetForm({ preset, onBack, onDone }: PresetFormProps) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  const [added, setAdded] = useState<Added & { readonly probe: ProbeResult | undefined }>();
  const { name, displayName, currency, models, notes, urlBase, pricesAsOf } = preset;
  const all = models.map(({ identifier }) => identifier);
  const form = useForm({ initialValues: { apiKey: '', rate: '', urlBase, models: all } });
  const showAtFields = (error: unknown) => form.setErrors(fieldErrors(error));
  const add = api.useMutation('post', '/v1/providers/presets', { onError: showAtFields });
  const test = api.useMutation('post', '/v1/providers/keys/{keyId}/test');
  const needsRate = currency !== null && currency !== SETTINGS.currency;
  const make = async (values: typeof form.values) => {
    const body = {
      name,
      apiKey: values.apiKey,
      ...(needsRate ? { rate: values.rate } : {}),
      ...(values.urlBase === urlBase ? {} : { urlBase: values.urlBase }),
      ...(values.models.length === all.length ? {} : { models: values.models }),
    };
    const made = await add.mutateAsync(keyed(body));
    const { keyId } = made;
    const probe =
      keyId === null ? undefined : await test.mutateAsync({ params: { path: { keyId } } }).catch(() => undefined);
    setAdded({ ...made, probe });
  };
  // A failure has been shown, at its field and beside the page.
  const send = form.onSubmit((values) => make(values).catch(() => undefined));
  if (added) return <Outcome {...added} onOpen={() => onDone(added.provider.id)} />;
  return (
    <form onSubmit={send}>
      <Stack>
        <Group justify="space-between">
          <Title order={3} size="h4">
            {displayName}
          </Title>
          <Button
            variant="subtle"
            color="gray"
            size="xs"
            leftSection={<ArrowLeft size={14} aria-hidden />}
            onClick={onBack}
          >
            {t('providers.back')}
          </Button>
        </Group>
        {notes !== undefined && (
          <Text size="sm" c="dimmed">
            {notes}
          </Text>
        )}
        {currency === null ? (
          <Text size="sm">{t('providers.noKeyNeeded')}</Text>
        ) : (
          <PasswordInput
            label={t('providers.apiKey')}
            description={t('providers.apiKeyAbout')}
            required
            data-autofocus
            autoComplete="off"
            visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
            {...form.getInputProps('apiKey')}
          />
        )}
        {needsRate && (
          <TextInput
            label={t('providers.rate', { from: currency, to: SETTINGS.currency })}
            description={t('providers.rateAbout')}
            inputMode="decimal"
            required
            {...form.getInputProps('rate')}
          />
        )}
        <TextInput label={t('providers.address')} type="url" required {...form.getInputProps('urlBase')} />
        {models.length > 0 && (
          <Checkbox.Group
            label={t('providers.choose')}
            description={t('providers.chooseAbout', { date: pricesAsOf })}
            {...form.getInputProps('models')}
          >
            <ScrollArea.Autosize mah={260} mt="xs" viewportProps={{ tabIndex: 0 }}>
              <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
                {models.map((model) => (
                  <Checkbox
                    key={model.identifier}
                    value={model.identifier}
                    label={model.displayName}
                    description={draftPriceText(model, currency)}
                  />
                ))}
              </SimpleGrid>
            </ScrollArea.Autosize>
          </Checkbox.Group>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={add.isPending || test.isPending}>
            {t('providers.addNow')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The vendor's own numbers, in its own currency. */
function draftPriceText(model: Preset['models'][number], currency: string | null): string {
  const { perMillionTokens, perImage, perSearch, perRequest, perMillionCharacters, perHour } = model;
  const amounts = perMillionTokens
    ? [perMillionTokens.input, perMillionTokens.output]
    : [perImage, perSearch, perRequest, perMillionCharacters, perHour].filter((amount) => amount !== undefined);
  return amounts.length === 0 ? '' : `${amounts.join(' / ')} ${currency ?? ''}`;
}

function Outcome({
  provider,
  added,
  existing,
  probe,
  onOpen,
}: Added & { probe: ProbeResult | undefined; onOpen: () => void }) {
  const { t } = useTranslation();
  const names = added.map(({ modelIdentifier }) => modelIdentifier).join(', ');
  return (
    <Stack>
      <Title order={3} size="h4">
        {provider.name}
      </Title>
      <Text>
        {t('providers.added', { count: added.length })}
        {existing.length > 0 && `${t('keys.comma')}${t('providers.existing', { count: existing.length })}`}
      </Text>
      {names !== '' && (
        <Text size="sm" c="dimmed">
          {names}
        </Text>
      )}
      {probe && <ProbeOutcome {...probe} />}
      <Group justify="flex-end">
        <Button onClick={onOpen}>{t('providers.open')}</Button>
      </Group>
    </Stack>
  );
}
