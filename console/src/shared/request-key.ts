/** The Idempotency-Key of a form: what is sent twice is done once. */
import { useRef } from 'react';

const KEY_BYTES = 16;

function newRequestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The same request has the same key, also after a failure whose answer was lost; another one has another. */
export function useRequestKey() {
  const last = useRef<{ readonly request: string; readonly key: string }>(undefined);
  const keyOf = (body: object): string => {
    const request = JSON.stringify(body);
    if (last.current?.request !== request) last.current = { request, key: newRequestKey() };
    return last.current.key;
  };
  return {
    keyOf,
    /** The body with its key. */
    keyed: <Body extends object>(body: Body) => ({ params: { header: { 'Idempotency-Key': keyOf(body) } }, body }),
    /** When it is done: the same once more is another request. */
    forget: () => {
      last.current = undefined;
    },
  };
}
