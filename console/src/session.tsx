/** Who is signed in. */
import { createContext, type ReactNode, use } from 'react';
import { api, queryClient } from './api/client.ts';
import type { User } from './api/generated/schema.ts';
import { keepToken } from './api/session-token.ts';

const Session = createContext<User | undefined>(undefined);

/** The signed-in user. @throws Error outside of the views that need one. */
export function useUser(): User {
  const user = use(Session);
  if (user === undefined) throw new Error('this view needs a signed-in user');
  return user;
}

/** Asks the API; it answers 401 while nobody is signed in. */
export function useMe() {
  return api.useQuery('get', '/v1/auth/me');
}

export function SessionProvider({ user, children }: { user: User; children: ReactNode }) {
  return <Session value={user}>{children}</Session>;
}

export function signOut(): void {
  keepToken(undefined);
  queryClient.clear();
  void queryClient.invalidateQueries();
}
