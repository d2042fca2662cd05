/** The user's own access keys: made, limited, switched off, deleted. */
import { Anchor, Button, Code, Group, Modal, Stack, Switch, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { AccessKey } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { DataTable } from '../shared/data-table.tsx';
import { BudgetUsed, KeyTag } from '../shared/keys.tsx';
import { moneyText } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { Secret } from '../shared/secret.tsx';
import { type Status, StatusBadge } from '../shared/status-badge.tsx';
import { Time } from '../shared/time.tsx';
import { KeyForm } from './key-form.tsx';

function statusOf({ isActive, expiresAt }: AccessKey): Status {
  if (expiresAt !== null && new Date(expiresAt) < new Date()) return 'expired';
  return isActive ? 'active' : 'disabled';
}

export default function Keys() {
  const { t } = useTranslation();
  const keys = api.useQuery('get', '/v1/access-keys');
  const change = api.useMutation('patch', '/v1/access-keys/{id}');
  const remove = api.useMutation('delete', '/v1/access-keys/{id}');
  const [creating, creation] = useDisclosure();
  const [edited, setEdited] = useState<AccessKey>();
  const [made, setMade] = useState<string>();
  const create = <Button onClick={creation.open}>{t('keys.create')}</Button>;
  return (
    <Page title={t('keys.title')} about={t('keys.about')} actions={create}>
      {made !== undefined && <Secret value={made} about={t('keys.shownOnce')} />}
      <DataTable
        label={t('keys.title')}
        query={keys}
        rows={keys.data}
        rowKey={({ id }) => id}
        empty={t('keys.none')}
        columns={[
          {
            title: t('field.key'),
            cell: ({ id, name, tag, maskedKeyValue }) => (
              <Stack gap={2} align="flex-start">
                <Text size="sm">{name}</Text>
                <Code className="time">{maskedKeyValue}</Code>
                <KeyTag tag={tag} />
                <Anchor component={Link} to={`/calls?accessKeyId=${id}`} size="sm">
                  {t('calls.ofKey')}
                </Anchor>
              </Stack>
            ),
          },
          { title: t('field.status'), cell: (key) => <StatusBadge status={statusOf(key)} /> },
          { title: t('field.limits'), from: 'md', cell: (key) => <Limits {...key} /> },
          { title: t('allKeys.used'), from: 'md', cell: (key) => <BudgetUsed {...key} /> },
          { title: t('field.lastUsed'), from: 'lg', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
          {
            ...{ title: t('field.actions'), align: 'end' },
            cell: (key) => (
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                <Switch
                  checked={key.isActive}
                  aria-label={t('keys.switch', { name: key.name })}
                  onChange={() =>
                    change.mutate({ params: { path: { id: key.id } }, body: { isActive: !key.isActive } })
                  }
                />
                <Button
                  variant="subtle"
                  size="compact-sm"
                  aria-label={`${t('action.edit')}: ${key.name}`}
                  onClick={() => setEdited(key)}
                >
                  {t('action.edit')}
                </Button>
                <ConfirmButton
                  label={t('action.delete')}
                  about={key.name}
                  question={t('keys.deleteQuestion', { name: key.name })}
                  onConfirm={() => remove.mutateAsync({ params: { path: { id: key.id } } })}
                />
              </Group>
            ),
          },
        ]}
      />
      <Modal
        opened={creating || edited !== undefined}
        onClose={() => {
          creation.close();
          setEdited(undefined);
        }}
        title={t(edited ? 'keys.edit' : 'keys.create')}
      >
        <KeyForm
          edited={edited}
          onDone={(keyValue) => {
            if (keyValue !== undefined) setMade(keyValue);
            creation.close();
            setEdited(undefined);
          }}
        />
      </Modal>
    </Page>
  );
}

function Limits({ rpmLimit, tpmLimit, parallelLimit, budget, budgetPeriod, allowedModels }: AccessKey) {
  const { t, i18n } = useTranslation();
  const period = t(`period.${budgetPeriod ?? 'total'}`);
  const parts = [
    ...(rpmLimit === null ? [] : [t('keys.rpm', { count: rpmLimit })]),
    ...(tpmLimit === null ? [] : [t('keys.tpm', { count: tpmLimit })]),
    ...(parallelLimit === null ? [] : [t('keys.parallel', { count: parallelLimit })]),
    ...(allowedModels === null ? [] : [t('keys.models', { count: allowedModels.length })]),
    ...(budget === null ? [] : [t('keys.budgetOf', { amount: moneyText(budget, i18n.language), period })]),
  ];
  return <Text size="sm">{parts.length === 0 ? t('keys.unlimited') : parts.join(t('keys.comma'))}</Text>;
}
