/** The form of a model, new or changed: name, provider, limits, price. A known model fills it. */
import {
  Alert,
  Button,
  Divider,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Model } from '../api/generated/schema.ts';
import { SETTINGS } from '../settings.ts';
import { MOST_OPTIONS } from '../shared/all-models.ts';
import { useAllProviders } from '../shared/all-providers.ts';
import { CAPABILITIES } from '../shared/capability.ts';
import { changedFields } from '../shared/changed-fields.ts';
import { fieldErrors, orNull } from '../shared/form.ts';
import { useRequestKey } from '../shared/request-key.ts';
import type { Preset } from './add-provider.tsx';
import {
  emptyRule,
  fieldsOfPricing,
  isImagesOnly,
  type PriceFields,
  pricingOfFields,
  wrongAmounts,
} from './price-fields.ts';
import { PriceFormFields } from './price-form.tsx';

function initialValues(model: Model | undefined) {
  const capabilities: Model['capabilities'][number][] = [...(model?.capabilities ?? ['text-to-text'])];
  return {
    displayName: model?.displayName ?? '',
    modelIdentifier: model?.modelIdentifier ?? '',
    upstreamModel: model?.upstreamModel ?? '',
    providerId: model === undefined ? null : String(model.providerId),
    priority: model?.priority ?? 1,
    capabilities,
    contextWindow: model?.contextWindow ?? '',
    maxOutputTokens: model?.maxOutputTokens ?? '',
    defaultMaxTokens: model?.defaultMaxTokens ?? '',
    tokensPerImage: model?.tokensPerImage ?? '',
    pricedFields: [...(model?.pricedFields ?? [])],
    pricing: fieldsOfPricing(model?.pricing ?? null, capabilities),
  };
}

function bodyOf({ pricing: price, ...values }: ReturnType<typeof initialValues>) {
  const pricing = pricingOfFields(price, values.capabilities);
  return {
    ...values,
    contextWindow: orNull(values.contextWindow),
    maxOutputTokens: orNull(values.maxOutputTokens),
    defaultMaxTokens: orNull(values.defaultMaxTokens),
    tokensPerImage: orNull(values.tokensPerImage),
    ...(pricing === undefined ? {} : { pricing }),
  };
}

export function ModelForm({ edited, onDone }: { edited?: Model; onDone: (model: Model) => void }) {
  const { t } = useTranslation();
  const { keyed } = useRequestKey();
  // Of the moment when the form was opened, as the values are: the model is asked for again behind it.
  const [priceVersion] = useState(edited?.priceVersion ?? null);
  const form = useForm({ initialValues: initialValues(edited) });
  const { capabilities } = form.values;
  const providers = useAllProviders();
  const handling = { onSuccess: onDone, onError: (error: unknown) => form.setErrors(fieldErrors(error)) };
  const create = api.useMutation('post', '/v1/models', handling);
  const change = api.useMutation('put', '/v1/models/{id}', handling);
  const send = form.onSubmit((values) => {
    const wrong = wrongAmounts(values.pricing, capabilities);
    if (wrong.length > 0) {
      form.setErrors(Object.fromEntries(wrong.map((path) => [path, t('pricing.notAnAmount')])));
      return;
    }
    const body = bodyOf(values);
    if (edited) {
      const changed = changedFields(bodyOf(form.getInitialValues()), body);
      const seen = changed.pricing === undefined ? {} : { priceVersion };
      change.mutate({ params: { path: { id: edited.id } }, body: { ...changed, ...seen } });
      return;
    }
    // Without a price it cannot be online.
    create.mutate(keyed({ ...body, status: body.pricing === undefined ? 0 : 1 }));
  });
  const changeCapabilities = (value: readonly string[]) => {
    const chosen = CAPABILITIES.filter((name) => value.includes(name));
    form.setFieldValue('capabilities', chosen);
    if (isImagesOnly(chosen) === isImagesOnly(capabilities)) return;
    // A price of tokens is none of images: it has to be said anew.
    const before = form.getInitialValues();
    const isAsBefore = isImagesOnly(chosen) === isImagesOnly(before.capabilities);
    form.setFieldValue('pricing', isAsBefore ? before.pricing : fieldsOfPricing(null, chosen));
  };
  const tokens = { min: 1, allowDecimal: false, thousandSeparator: ' ' };
  return (
    <form onSubmit={send}>
      <Stack>
        {!edited && <KnownModels onChoose={(known) => form.setValues(known)} />}
        <SimpleGrid cols={{ base: 1, sm: 2 }} style={{ alignItems: 'end' }}>
          <TextInput
            label={t('catalogModels.displayName')}
            required
            maxLength={100}
            {...form.getInputProps('displayName')}
          />
          <TextInput
            label={t('catalogModels.identifier')}
            required
            maxLength={150}
            {...form.getInputProps('modelIdentifier')}
          />
          <Select
            label={t('field.provider')}
            required
            searchable
            limit={MOST_OPTIONS}
            data={providers.data?.map(({ id, name }) => ({ value: String(id), label: name })) ?? []}
            {...form.getInputProps('providerId')}
          />
          <TextInput
            label={t('catalogModels.upstream')}
            placeholder={t('catalogModels.upstreamAbout')}
            maxLength={150}
            {...form.getInputProps('upstreamModel')}
          />
          <MultiSelect
            label={t('catalogModels.capabilities')}
            required
            data={CAPABILITIES.map((value) => ({ value, label: t(`capability.${value}`) }))}
            {...form.getInputProps('capabilities')}
            onChange={changeCapabilities}
          />
          <NumberInput
            label={t('catalogModels.priority')}
            description={t('catalogModels.priorityAbout')}
            min={1}
            allowDecimal={false}
            required
            {...form.getInputProps('priority')}
          />
        </SimpleGrid>
        <Divider label={t('catalogModels.limits')} labelPosition="left" />
        <SimpleGrid cols={{ base: 2, sm: 4 }} style={{ alignItems: 'end' }}>
          {(['contextWindow', 'maxOutputTokens', 'defaultMaxTokens', 'tokensPerImage'] as const).map((name) => (
            <NumberInput key={name} label={t(`catalogModels.${name}`)} {...tokens} {...form.getInputProps(name)} />
          ))}
        </SimpleGrid>
        <TagsInput
          label={t('catalogModels.pricedFields')}
          description={t('catalogModels.pricedFieldsAbout')}
          data={['service_tier', 'tools']}
          {...form.getInputProps('pricedFields')}
        />
        <Divider />
        <PriceFormFields form={form} rules={form.values.pricing.rules.length} capabilities={capabilities} />
        {form.errors.priceVersion !== undefined && (
          <Alert color="red" role="alert">
            {t('catalogModels.priceChanged')}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending || change.isPending}>
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** As the vendor publishes it, where it counts in this installation's currency; the price of an hour is left out. */
function draftPrice({ currency }: Preset, model: Preset['models'][number]): PriceFields {
  const none = fieldsOfPricing(null, model.capabilities);
  if (currency !== SETTINGS.currency) return none;
  const { perMillionTokens, perImage = '', perSearch = '', perRequest = '', perMillionCharacters = '' } = model;
  const ofImage = isImagesOnly(model.capabilities) ? { output: perImage } : { perImage };
  return {
    ...{ ...none, perSearch, perRequest, perCharacter: perMillionCharacters, ...perMillionTokens, ...ofImage },
    rules: (model.priceRules ?? []).map(({ name, when, perMillionTokens: changed }) => {
      const [rule = emptyRule()] = fieldsOfPricing({ rules: [{ name, when }] }, model.capabilities).rules;
      return { ...rule, ...changed };
    }),
  };
}

/** Of the presets, by vendor; prices only where they are in this installation's currency. */
function KnownModels({ onChoose }: { onChoose: (values: Partial<ReturnType<typeof initialValues>>) => void }) {
  const { t } = useTranslation();
  const presets = api.useQuery('get', '/v1/providers/presets');
  const known = presets.data?.flatMap((preset) =>
    preset.models.map((model) => ({ preset, model, value: `${preset.name} ${model.identifier}` })),
  );
  const groups = presets.data?.map(({ name, displayName, models }) => ({
    group: displayName,
    items: models.map((model) => ({ value: `${name} ${model.identifier}`, label: model.displayName })),
  }));
  const choose = (value: string | null) => {
    const found = known?.find((each) => each.value === value);
    if (found === undefined) return;
    const { model, preset } = found;
    const capabilities = [...model.capabilities];
    onChoose({
      displayName: model.displayName,
      modelIdentifier: model.identifier,
      upstreamModel: '',
      capabilities,
      contextWindow: model.contextWindow ?? '',
      maxOutputTokens: model.maxOutputTokens ?? '',
      defaultMaxTokens: model.defaultMaxTokens ?? '',
      tokensPerImage: model.tokensPerImage ?? '',
      pricing: draftPrice(preset, model),
    });
  };
  return (
    <Select
      label={t('catalogModels.fromPreset')}
      description={t('catalogModels.fromPresetAbout')}
      searchable
      clearable
      data={groups?.filter(({ items }) => items.length > 0) ?? []}
      onChange={choose}
    />
  );
}
