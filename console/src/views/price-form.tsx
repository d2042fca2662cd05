/** The fields of a price, and of each rule that changes it. Amounts are texts; those of tokens are for a million. */
import {
  ActionIcon,
  Autocomplete,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Paper,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { ArrowUp, Plus, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Model } from '../api/generated/schema.ts';
import { emptyRule, type PriceFields, pricesFor, WEEK } from './price-fields.ts';
import { nameOf, unitOf } from './price-text.tsx';

type Capabilities = Model['capabilities'];
/** A form that has a price among its fields. */
type PriceForm = Pick<
  UseFormReturnType<{ pricing: PriceFields }>,
  'getInputProps' | 'insertListItem' | 'removeListItem' | 'reorderListItem' | 'errors' | 'key'
>;

interface PriceFormProps {
  readonly form: PriceForm;
  readonly rules: number;
  readonly capabilities: Capabilities;
}

/** As vendors name them. */
const SERVICE_TIERS = ['batch', 'flex', 'priority'];

export function PriceFormFields({ form, rules, capabilities }: PriceFormProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <div>
        <Title order={3} size="h5">
          {t('pricing.title')}
        </Title>
        <Text size="xs" c="dimmed">
          {t('pricing.about')}
        </Text>
      </div>
      <Amounts form={form} path="pricing" capabilities={capabilities} />
      {pricesFor(capabilities).includes('perSearch') && (
        <NumberInput
          label={t('pricing.mostSearches')}
          min={0}
          allowDecimal={false}
          maw={260}
          {...form.getInputProps('pricing.mostSearches')}
        />
      )}
      <Problem form={form} path="pricing" />
      <Group justify="space-between" align="end" mt="xs">
        <div>
          <Title order={3} size="h5">
            {t('pricing.rules')}
          </Title>
          <Text size="xs" c="dimmed">
            {t(rules === 0 ? 'pricing.noRules' : 'pricing.rulesAbout')}
          </Text>
        </div>
        <Button
          variant="default"
          size="xs"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() => form.insertListItem('pricing.rules', emptyRule())}
        >
          {t('pricing.addRule')}
        </Button>
      </Group>
      {Array.from({ length: rules }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a rule is known by its place
        <RuleFieldset key={index} form={form} index={index} capabilities={capabilities} />
      ))}
    </Stack>
  );
}

function Amounts({ form, path, capabilities }: { form: PriceForm; path: string; capabilities: Capabilities }) {
  const { t } = useTranslation();
  return (
    <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="sm" style={{ alignItems: 'end' }}>
      {pricesFor(capabilities).map((name) => (
        <TextInput
          key={name}
          label={t(`pricing.name.${nameOf(name, capabilities)}`)}
          description={t(`pricing.unit.${unitOf(name, capabilities)}`)}
          inputMode="decimal"
          autoComplete="off"
          className="numbers"
          {...form.getInputProps(`${path}.${name}`)}
        />
      ))}
    </SimpleGrid>
  );
}

/** What is wrong with a group of fields as a whole. */
function Problem({ form, path }: { form: PriceForm; path: string }) {
  const problem = form.errors[path];
  if (problem === undefined) return null;
  return (
    <Text size="sm" c="var(--mantine-color-error)" role="alert">
      {problem}
    </Text>
  );
}

function RuleFieldset({ form, index, capabilities }: { form: PriceForm; index: number; capabilities: Capabilities }) {
  const { t } = useTranslation();
  const path = `pricing.rules.${index}`;
  const label = t('pricing.rule', { number: index + 1 });
  return (
    <Paper withBorder p="md" component="fieldset" aria-label={label} miw={0} m={0}>
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="end">
          <TextInput label={t('pricing.ruleName')} required flex={1} {...form.getInputProps(`${path}.name`)} />
          <Group gap={4} wrap="nowrap">
            {index > 0 && (
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={`${t('pricing.moveUp')}: ${label}`}
                onClick={() => form.reorderListItem('pricing.rules', { from: index, to: index - 1 })}
              >
                <ArrowUp size={18} />
              </ActionIcon>
            )}
            <ActionIcon
              variant="subtle"
              color="red"
              size="lg"
              aria-label={`${t('pricing.removeRule')}: ${label}`}
              onClick={() => form.removeListItem('pricing.rules', index)}
            >
              <Trash2 size={18} />
            </ActionIcon>
          </Group>
        </Group>
        <Text size="sm" fw={600}>
          {t('pricing.when')}
        </Text>
        <ConditionFields form={form} path={`${path}.when`} />
        <Problem form={form} path={`${path}.when`} />
        <Text size="sm" fw={600}>
          {t('pricing.change')}
        </Text>
        <Amounts form={form} path={path} capabilities={capabilities} />
        <Problem form={form} path={path} />
      </Stack>
    </Paper>
  );
}

function ConditionFields({ form, path }: { form: PriceForm; path: string }) {
  const { t } = useTranslation();
  const tokens = { min: 0, allowDecimal: false, thousandSeparator: ' ' };
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm" style={{ alignItems: 'end' }}>
        <NumberInput
          label={t('pricing.promptTokensAbove')}
          {...tokens}
          {...form.getInputProps(`${path}.promptTokensAbove`)}
        />
        <NumberInput
          label={t('pricing.completionTokensAbove')}
          {...tokens}
          {...form.getInputProps(`${path}.completionTokensAbove`)}
        />
        <Autocomplete
          label={t('pricing.serviceTier')}
          data={SERVICE_TIERS}
          {...form.getInputProps(`${path}.serviceTier`)}
        />
        <Select
          label={t('pricing.thinking')}
          allowDeselect={false}
          data={[
            { value: '', label: t('pricing.anyThinking') },
            { value: 'yes', label: t('pricing.thinkingYes') },
            { value: 'no', label: t('pricing.thinkingNo') },
          ]}
          {...form.getInputProps(`${path}.thinking`)}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm" style={{ alignItems: 'end' }}>
        <TextInput
          label={t('pricing.utcFrom')}
          placeholder="00:00"
          maxLength={5}
          {...form.getInputProps(`${path}.utcFrom`)}
        />
        <TextInput
          label={t('pricing.utcUntil')}
          placeholder="06:00"
          maxLength={5}
          {...form.getInputProps(`${path}.utcUntil`)}
        />
        <MultiSelect
          label={t('pricing.utcDays')}
          data={WEEK.map((value) => ({ value, label: t(`pricing.day.${value}`) }))}
          style={{ gridColumn: 'span 2' }}
          {...form.getInputProps(`${path}.utcDays`)}
        />
      </SimpleGrid>
    </>
  );
}
