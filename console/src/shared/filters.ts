/** Filters of a list, in the address: a link can ask for some of the rows, and going back brings them again. */
import { useState } from 'react';
import { useSearchParams } from 'react-router';

/** Values by name; an empty one is none. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const [params, setParams] = useSearchParams();
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = params.get(name);
    if (value !== null && value !== '') values[name] = value;
  }
  const set = (name: Name, value: string | null) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (value === null || value === '') after.delete(name);
        else after.set(name, value);
        return after;
      },
      { replace: true },
    );
  return { values, set };
}

/** Where a list is that goes on from the end of the page before. @param reset another value starts again. */
export function useCursor(reset: string) {
  const [at, setAt] = useState<{ readonly reset: string; readonly cursors: readonly string[] }>({ reset, cursors: [] });
  const cursors = at.reset === reset ? at.cursors : [];
  return {
    cursor: cursors.at(-1),
    next: (cursor: string) => setAt({ reset, cursors: [...cursors, cursor] }),
    ...(cursors.length > 0 ? { previous: () => setAt({ reset, cursors: cursors.slice(0, -1) }) } : {}),
  };
}
