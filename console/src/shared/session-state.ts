/**
 * What a view holds while its user looks at others. With all else that was read in a session it is forgotten when that
 * ends, or when somebody else signs in.
 */
import { queryOptions, skipToken, useQuery } from '@tanstack/react-query';
import { queryClient } from '../api/client.ts';

type Change<Value> = Value | ((before: Value) => Value);

export interface SessionState<Value> {
  readonly useValue: () => Value;
  readonly set: (change: Change<Value>) => void;
}

export function sessionState<Value extends object>(name: string, initial: Value): SessionState<Value> {
  const kept = queryOptions<Value>({
    ...{ queryKey: ['session-state', name], queryFn: skipToken, structuralSharing: false },
    ...{ staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY },
  });
  return {
    useValue: () => useQuery(kept).data ?? initial,
    set: (change) =>
      queryClient.setQueryData<Value>(kept.queryKey, (before = initial) =>
        typeof change === 'function' ? change(before) : change,
      ),
  };
}
