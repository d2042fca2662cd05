/** Every model that may be chosen, however many pages of the list that takes. */
import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import type { Model } from '../api/generated/schema.ts';

const PAGE_ROWS = 100;
/** Of those that match what is written, a choice shows so many. */
export const MOST_OPTIONS = 100;

/** @param query.status 1: those that are online. */
export function useAllModels(query: { readonly status?: 1 } = {}) {
  return useQuery({
    queryKey: ['models', 'all', query],
    queryFn: async ({ signal }) => {
      const pageOf = async (pageNum: number) => {
        const params = { query: { ...query, pageNum, pageSize: PAGE_ROWS } };
        const { data } = await client.GET('/v1/models', { params, signal });
        return data ?? { records: [], pages: 0 };
      };
      const first = await pageOf(1);
      const models: Model[] = [...first.records];
      for (let page = 2; page <= (first.pages ?? 1); page += 1) models.push(...(await pageOf(page)).records);
      return models;
    },
  });
}
