/** Every model that may be chosen. */
import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { allPages } from './all-pages.ts';

/** Of those that match what is written, a choice shows so many. */
export const MOST_OPTIONS = 100;

/** @param query.status 1: those that are online. */
export function useAllModels(query: { readonly status?: 1 } = {}) {
  return useQuery({
    queryKey: ['models', 'all', query],
    queryFn: ({ signal }) =>
      allPages((page) => client.GET('/v1/models', { params: { query: { ...query, ...page } }, signal })),
  });
}
