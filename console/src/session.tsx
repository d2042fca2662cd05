/** Who is signed in. What proves it is a cookie that no script can read. */
import { type Query, useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useRef } from 'react';
import { ApiError } from './api/api-error.ts';
import { api, client, queryClient, SESSION } from './api/client.ts';
import type { User } from './api/generated/schema.ts';
import { showFailure } from './shared/failure.ts';

const Session = createContext<User | undefined>(undefined);

/** The signed-in user. @throws Error outside of the views that need one. */
export function useUser(): User {
  const user = use(Session);
  if (user === undefined) throw new Error('this view needs a signed-in user');
  return user;
}

/** Tabs share the cookie: each tells the others when it has signed in or out. */
const tabs = new BroadcastChannel('console-session');
tabs.onmessage = () => void queryClient.invalidateQueries();

export function tellOtherTabs(): void {
  tabs.postMessage('changed');
}

/** Programs spend the balance meanwhile. */
const BALANCE_MS = 15_000;

/** The user of the session; null for nobody, undefined while it is asked. */
export function useMe() {
  const session = useQuery(SESSION);
  const userId = session.data?.userId;
  const me = api.useQuery('get', '/v1/auth/me', {}, { enabled: userId !== undefined, refetchInterval: BALANCE_MS });
  useForgottenOthers(userId);
  const answered = me.data?.id;
  useEffect(() => {
    // The cookie is somebody else's by now.
    if (answered !== undefined && userId !== undefined && answered !== userId)
      void queryClient.invalidateQueries(SESSION);
  }, [answered, userId]);
  const user = session.data === null ? null : me.data?.id === userId ? me.data : undefined;
  return { user, error: session.error ?? me.error, refetch: () => queryClient.invalidateQueries() };
}

/** Another tab may have signed in somebody else: nothing that was read for the one before is shown. */
function useForgottenOthers(userId: number | undefined): void {
  const before = useRef(userId);
  useEffect(() => {
    if (userId === undefined || userId === before.current) return;
    const isOfUser = ({ queryKey }: Query) => queryKey[0] !== SESSION.queryKey[0];
    if (before.current !== undefined) void queryClient.resetQueries({ predicate: isOfUser });
    before.current = userId;
  }, [userId]);
}

export function SessionProvider({ user, children }: { user: User; children: ReactNode }) {
  return (
    <Session key={user.id} value={user}>
      {children}
    </Session>
  );
}

/** Ends the session and forgets all that was read in it. One that has ended already is as good. */
export async function signOut(): Promise<void> {
  try {
    await client.DELETE('/v1/auth/session');
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) return showFailure(error);
  }
  tellOtherTabs();
  await queryClient.resetQueries();
}
