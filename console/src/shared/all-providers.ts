/** Every provider, by name: for filters, and for who serves a model. */
import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { allPages } from './all-pages.ts';

export function useAllProviders() {
  return useQuery({
    queryKey: ['providers', 'all'],
    queryFn: ({ signal }) =>
      allPages((page) => client.GET('/v1/providers', { params: { query: { ...page, sortBy: 'name' } }, signal })),
  });
}
