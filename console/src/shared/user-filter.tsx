/** A user chosen by name, email address or id, for lists of all users; and the way to a user. */
import { Anchor, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { TextFilter } from './choice.tsx';
import { useFilters } from './filters.ts';

const TYPING_MS = 300;
const MOST_SHOWN = 20;

interface UserFilterProps {
  /** Id of the chosen user. */
  readonly value: string | undefined;
  readonly onChange: (userId: string | null) => void;
  readonly label?: string;
  /** Where none is chosen; all of them otherwise. */
  readonly placeholder?: string;
}

export function UserFilter({ value, onChange, label, placeholder }: UserFilterProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [settled] = useDebouncedValue(typed.trim(), TYPING_MS);
  const id = Number(value);
  const isChosen = value !== undefined && Number.isSafeInteger(id);
  const chosen = api.useQuery('get', '/v1/users/{id}', { params: { path: { id } } }, { enabled: isChosen });
  const user = isChosen ? chosen.data?.user : undefined;
  const search = settled === '' || settled === user?.username ? {} : { search: settled };
  const query = { ...search, pageSize: MOST_SHOWN, sortOrder: 'desc' };
  const found = api.useQuery('get', '/v1/users', { params: { query } });
  const offered = [...(user ? [user] : []), ...(found.data?.records ?? []).filter((one) => one.id !== user?.id)];
  return (
    <Select
      label={label ?? t('all.user')}
      placeholder={placeholder ?? t('all.anyone')}
      searchable
      clearable
      w={200}
      nothingFoundMessage={t('users.none')}
      filter={({ options }) => options}
      data={offered.map((one) => ({ value: String(one.id), label: one.username }))}
      value={user ? String(user.id) : null}
      onChange={onChange}
      onSearchChange={setTyped}
    />
  );
}

/**
 * In the address, for lists that model administrators see, too: these know users by their names only.
 * @returns what the API is asked for, and the field.
 */
export function useAnyUserFilter() {
  const { t } = useTranslation();
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  const { values, settled, set } = useFilters([isRoot ? 'userId' : 'user']);
  const field = isRoot ? (
    <UserFilter value={values.userId} onChange={(id) => set('userId', id)} />
  ) : (
    <TextFilter label={t('field.user')} value={values.user} onChange={(text) => set('user', text)} />
  );
  return { query: settled, field };
}

/** A user's name, which leads to the user. */
export function UserLink({ userId, name }: { userId: number; name?: string }) {
  const label = name === undefined || name === '' ? `#${userId}` : name;
  return (
    <Anchor component={Link} to={`/users?user=${userId}`} inherit>
      {label}
    </Anchor>
  );
}
