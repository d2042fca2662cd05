/** An access key chosen by its name, for lists of calls: one of the own ones, or of all users'. */
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { NamedChoice } from './choice.tsx';

const MOST_KEYS = 100;

interface KeyFilterProps {
  /** Id of the chosen key. */
  readonly value: string | undefined;
  readonly onChange: (id: string | null) => void;
}

interface Named {
  readonly name: string;
  readonly maskedKeyValue: string;
}

/** Names may be alike, and a key may have none. */
function nameOf({ name, maskedKeyValue }: Named): string {
  return name === '' ? maskedKeyValue : `${name} · ${maskedKeyValue}`;
}

export function OwnKeyFilter(props: KeyFilterProps) {
  const { t } = useTranslation();
  const keys = api.useQuery('get', '/v1/access-keys');
  const options = keys.data?.map((key) => ({ id: key.id, name: nameOf(key) }));
  return <NamedChoice {...props} label={t('field.accessKey')} options={options} />;
}

/** Keys of this user, of all the newest; deleted ones, too, because their calls stay. For ROOT. */
export function AnyKeyFilter({ userId, ...props }: KeyFilterProps & { userId: string | undefined }) {
  const { t } = useTranslation();
  const common = { pageSize: MOST_KEYS, deleted: true };
  const query = { ...common, ...(userId === undefined ? {} : { userId }) };
  const keys = api.useQuery('get', '/v1/admin/access-keys', { params: { query } });
  const chosenQuery = { ...common, id: props.value ?? 0 };
  const chosen = api.useQuery(
    'get',
    '/v1/admin/access-keys',
    { params: { query: chosenQuery } },
    { enabled: props.value !== undefined },
  );
  const found = new Map([...(chosen.data?.records ?? []), ...(keys.data?.records ?? [])].map((key) => [key.id, key]));
  const options = [...found.values()].map((key) => ({
    id: key.id,
    name: userId === undefined ? `${nameOf(key)} · ${key.username}` : nameOf(key),
  }));
  return <NamedChoice {...props} label={t('field.accessKey')} options={options} />;
}
