/** Filters of a list, and what is looked at beside it, in the address: a link can ask for it, and going back brings it again. */
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router';

const SHOWN_HERE = 'shown from its list';
const TYPING_MS = 300;

/** Values by name; an empty one is none. What is asked for is `settled`: nothing while somebody types. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const [params, setParams] = useSearchParams();
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = params.get(name);
    if (value !== null && value !== '') values[name] = value;
  }
  // A text, as another object would never settle.
  const [text] = useDebouncedValue(JSON.stringify(values), TYPING_MS);
  const settled: typeof values = JSON.parse(text);
  const set = (name: Name, value: string | null) =>
    setParams(
      () => {
        // The router's own may be those of before: it shows a change of the address when there is time for it.
        const after = new URLSearchParams(window.location.search);
        if (value === null || value === '') after.delete(name);
        else after.set(name, value);
        return after;
      },
      { replace: true },
    );
  return { values, settled, set };
}

/** One thing of a list, by its name in the address. Showing it is a step of its own: going back closes it. */
export function useShown(name: string) {
  const [params, setParams] = useSearchParams();
  const { state } = useLocation();
  const navigate = useNavigate();
  const shown = params.get(name) || undefined;
  const withValue = (value: string | undefined) => (before: URLSearchParams) => {
    const after = new URLSearchParams(before);
    if (value === undefined) after.delete(name);
    else after.set(name, value);
    return after;
  };
  const show = (value: string) =>
    setParams(withValue(value), shown === undefined ? { state: SHOWN_HERE } : { replace: true, state });
  const close = () => {
    if (state === SHOWN_HERE) void navigate(-1);
    // One has come by a link: what is before it in the history is another page.
    else setParams(withValue(undefined), { replace: true });
  };
  return { shown, show, close };
}

/** The page of a list that knows how many it has. @param reset another value starts again. */
export function usePage(reset = '') {
  const [at, setAt] = useState({ reset, page: 1 });
  return { page: at.reset === reset ? at.page : 1, onChange: (page: number) => setAt({ reset, page }) };
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
