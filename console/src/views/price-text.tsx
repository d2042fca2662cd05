/** A price in words: each part with its unit, and the rules that change it. */
import { Badge, Group, Stack, Table, Text } from '@mantine/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Model, Pricing } from '../api/generated/schema.ts';
import type { Capability } from '../shared/capability.ts';
import { Money } from '../shared/money.tsx';
import { type Condition, isImagesOnly, movePoint, PRICE_NAMES, type PriceName, scaleOf } from './price-fields.ts';

type Capabilities = readonly Capability[];

type Unit = 'tokens' | 'characters' | 'image' | 'call' | 'search' | 'second';

const UNITS: { readonly [Name in PriceName]: Unit } = {
  ...{ input: 'tokens', output: 'tokens', cachedInput: 'tokens', cacheWrite: 'tokens', hourCacheWrite: 'tokens' },
  ...{ perImage: 'image', perRequest: 'call', perSearch: 'search', perCharacter: 'characters', perSecond: 'second' },
};

export function unitOf(name: PriceName, capabilities: Capabilities): Unit {
  return nameOf(name, capabilities) === 'perImage' ? 'image' : UNITS[name];
}

/** The output of a model that only makes images is called by what it is. */
export function nameOf(name: PriceName, capabilities: Capabilities): PriceName {
  return name === 'output' && isImagesOnly(capabilities) ? 'perImage' : name;
}

type Amounts = { readonly [Name in PriceName]?: string };

function linesOf(prices: Amounts, capabilities: Capabilities) {
  return PRICE_NAMES.flatMap((name) => {
    const price = prices[name];
    return price === undefined ? [] : [{ name, amount: movePoint(price, scaleOf(name, capabilities)) }];
  });
}

/** What a list shows: each price, and how many rules there are. */
export function PriceInShort({ pricing, capabilities }: Pick<Model, 'pricing' | 'capabilities'>) {
  const { t } = useTranslation();
  if (pricing === null) return <Text size="sm">–</Text>;
  const shown = linesOf(pricing, capabilities).filter(({ amount }) => amount !== '0');
  return (
    <Stack gap={0}>
      {shown.map(({ name, amount }) => (
        <Text size="sm" key={name}>
          <Text span inherit c="dimmed">
            {t(`pricing.name.${nameOf(name, capabilities)}`)}
          </Text>{' '}
          <Money amount={amount} />
          {unitOf(name, capabilities) !== 'tokens' && (
            <Text span inherit c="dimmed">
              {' '}
              {t(`pricing.unit.${unitOf(name, capabilities)}`)}
            </Text>
          )}
        </Text>
      ))}
      {shown.length === 0 && <Text size="sm">{t('providers.free')}</Text>}
      {(pricing.rules?.length ?? 0) > 0 && (
        <Text size="xs" c="dimmed">
          {t('price.rules', { count: pricing.rules?.length ?? 0 })}
        </Text>
      )}
    </Stack>
  );
}

/** Each part, then each rule with what it changes. */
export function PriceInFull({ pricing, capabilities }: { pricing: Pricing; capabilities: Capabilities }) {
  const { t, i18n } = useTranslation();
  return (
    <Stack gap="sm">
      <PriceTable prices={pricing} capabilities={capabilities} />
      {pricing.rules?.map((rule) => (
        <Stack key={rule.name} gap={4} pl="sm" style={{ borderInlineStart: '3px solid var(--mantine-color-indigo-4)' }}>
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {rule.name}
            </Text>
            {conditionTexts(rule.when, t, i18n.language).map((text) => (
              <Badge key={text} variant="default" tt="none" fw={500}>
                {text}
              </Badge>
            ))}
          </Group>
          <PriceTable prices={rule} capabilities={capabilities} />
        </Stack>
      ))}
    </Stack>
  );
}

function PriceTable({ prices, capabilities }: { prices: Amounts; capabilities: Capabilities }) {
  const { t } = useTranslation();
  return (
    <Table withRowBorders={false} verticalSpacing={2} horizontalSpacing={0} maw={380}>
      <Table.Tbody>
        {linesOf(prices, capabilities).map(({ name, amount }) => (
          <Table.Tr key={name}>
            <Table.Td>
              {t(`pricing.name.${nameOf(name, capabilities)}`)}{' '}
              <Text span size="xs" c="dimmed">
                {t(`pricing.unit.${unitOf(name, capabilities)}`)}
              </Text>
            </Table.Td>
            <Table.Td ta="end">
              <Money amount={amount} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function conditionTexts(when: Condition, t: TFunction, language: string): string[] {
  const { promptTokensAbove, completionTokensAbove, serviceTier, thinking, utcFrom, utcUntil, utcDays } = when;
  const count = (tokens: number) => tokens.toLocaleString(language);
  return [
    ...(promptTokensAbove === undefined ? [] : [t('pricing.condition.prompt', { tokens: count(promptTokensAbove) })]),
    ...(completionTokensAbove === undefined
      ? []
      : [t('pricing.condition.completion', { tokens: count(completionTokensAbove) })]),
    ...(serviceTier === undefined ? [] : [t('pricing.condition.tier', { tier: serviceTier })]),
    ...(thinking === undefined ? [] : [t(thinking ? 'pricing.thinkingYes' : 'pricing.thinkingNo')]),
    ...(utcDays === undefined
      ? []
      : [
          t('pricing.condition.days', {
            days: new Intl.ListFormat(language, { type: 'unit' }).format(utcDays.map((day) => t(`pricing.day.${day}`))),
          }),
        ]),
    ...(utcFrom === undefined || utcUntil === undefined
      ? []
      : [t('pricing.condition.window', { from: utcFrom, until: utcUntil })]),
  ];
}
