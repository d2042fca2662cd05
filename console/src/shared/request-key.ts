/** The Idempotency-Key of a form that asks for the same thing more than once. */
import { useRef } from 'react';
import { newRequestKey } from './form.ts';

/** The same request has the same key, also after a failure whose answer was lost; another one has another. */
export function useRequestKey() {
  const last = useRef<{ readonly request: string; readonly key: string }>(undefined);
  return {
    keyOf: (...fields: readonly string[]): string => {
      const request = JSON.stringify(fields);
      if (last.current?.request !== request) last.current = { request, key: newRequestKey() };
      return last.current.key;
    },
    /** When it is done: the same once more is another request. */
    forget: () => {
      last.current = undefined;
    },
  };
}
