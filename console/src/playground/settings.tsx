/** What the playground calls, with which key, and with which parameters. */
import { Anchor, JsonInput, NumberInput, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AccessKey, Model } from '../api/generated/schema.ts';
import { MOST_OPTIONS } from '../shared/all-models.ts';
import { EFFORTS, isChat, makesPictures, type Parameters } from './request.ts';

interface SettingsProps {
  readonly models: readonly Model[];
  readonly keys: readonly AccessKey[];
  readonly model: Model | undefined;
  readonly accessKey: AccessKey | undefined;
  readonly parameters: Parameters;
  readonly onModel: (name: string | null) => void;
  readonly onKey: (id: string | null) => void;
  readonly onParameters: (changed: Partial<Parameters>) => void;
}

export function Settings(props: SettingsProps) {
  const { t } = useTranslation();
  const { models, keys, model, accessKey, parameters, onModel, onKey, onParameters } = props;
  const optionOf = ({ modelIdentifier, displayName }: Model) => ({ value: modelIdentifier, label: displayName });
  return (
    <Stack gap="md">
      <Select
        label={t('field.model')}
        searchable
        limit={MOST_OPTIONS}
        allowDeselect={false}
        data={[
          { group: t('playground.chatModels'), items: models.filter(isChat).map(optionOf) },
          {
            group: t('playground.pictureModels'),
            items: models.filter((one) => !isChat(one) && makesPictures(one)).map(optionOf),
          },
        ].filter(({ items }) => items.length > 0)}
        value={model?.modelIdentifier ?? null}
        onChange={onModel}
      />
      <Select
        label={t('field.accessKey')}
        description={keys.length > 0 ? t('playground.keyAbout') : undefined}
        error={keys.length === 0 && t('playground.noKey')}
        allowDeselect={false}
        data={keys.map(({ id, name, maskedKeyValue }) => ({ value: String(id), label: `${name} · ${maskedKeyValue}` }))}
        value={accessKey === undefined ? null : String(accessKey.id)}
        onChange={onKey}
      />
      {keys.length === 0 && (
        <Anchor component={Link} to="/keys" size="sm">
          {t('keys.create')}
        </Anchor>
      )}
      <Switch
        label={t('playground.asJob')}
        description={t('playground.asJobAbout')}
        checked={parameters.asJob}
        onChange={(event) => onParameters({ asJob: event.currentTarget.checked })}
      />
      {model !== undefined && !isChat(model) ? (
        <PictureParameters parameters={parameters} onParameters={onParameters} />
      ) : (
        <ChatParameters parameters={parameters} onParameters={onParameters} />
      )}
    </Stack>
  );
}

type ParametersProps = Pick<SettingsProps, 'parameters' | 'onParameters'>;

function ChatParameters({ parameters, onParameters }: ParametersProps) {
  const { t } = useTranslation();
  return (
    <>
      <Switch
        label={t('playground.keep')}
        description={t('playground.keepAbout')}
        checked={parameters.isKept}
        onChange={(event) => onParameters({ isKept: event.currentTarget.checked })}
      />
      <Textarea
        label={t('playground.system')}
        placeholder={t('playground.systemAbout')}
        autosize
        minRows={2}
        maxRows={8}
        value={parameters.system}
        onChange={(event) => onParameters({ system: event.currentTarget.value })}
      />
      <NumberInput
        {...{ label: t('playground.temperature'), min: 0, max: 2, step: 0.1, decimalScale: 2 }}
        value={parameters.temperature}
        onChange={(temperature) => onParameters({ temperature })}
      />
      <NumberInput
        {...{ label: 'Top P', min: 0, max: 1, step: 0.05, decimalScale: 2 }}
        value={parameters.topP}
        onChange={(topP) => onParameters({ topP })}
      />
      <NumberInput
        {...{ label: t('playground.maxTokens'), min: 1, allowDecimal: false, thousandSeparator: ',' }}
        value={parameters.maxTokens}
        onChange={(maxTokens) => onParameters({ maxTokens })}
      />
      <Select
        label={t('playground.effort')}
        clearable
        placeholder={t('playground.ofModel')}
        data={EFFORTS.map((value) => ({ value, label: t(`playground.efforts.${value}`) }))}
        value={parameters.effort}
        onChange={(effort) => onParameters({ effort })}
      />
      <JsonInput
        label={t('playground.tools')}
        description={t('playground.toolsAbout')}
        validationError={t('playground.toolsWrong')}
        formatOnBlur
        autosize
        minRows={2}
        maxRows={12}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
        value={parameters.tools}
        onChange={(tools) => onParameters({ tools })}
      />
      <Text size="xs" c="dimmed">
        {t('playground.parametersAbout')}
      </Text>
    </>
  );
}

function PictureParameters({ parameters, onParameters }: ParametersProps) {
  const { t } = useTranslation();
  return (
    <>
      <TextInput
        label={t('playground.size')}
        placeholder="1024x1024"
        value={parameters.size}
        onChange={(event) => onParameters({ size: event.currentTarget.value })}
      />
      <NumberInput
        {...{ label: t('playground.count'), min: 1, max: 10, allowDecimal: false }}
        value={parameters.count}
        onChange={(count) => onParameters({ count })}
      />
    </>
  );
}
