/** The user's own calls, newest first, with what each cost and why it failed. */
import { Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { calls as columnsOfCalls } from '../shared/call-columns.tsx';
import { CallFilters, useCallFilters } from '../shared/call-filters.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useCursor, useShown } from '../shared/filters.ts';
import { OwnKeyFilter } from '../shared/key-filter.tsx';
import { OpenedCall } from '../shared/opened-call.tsx';
import { Page } from '../shared/page.tsx';

const PAGE_ROWS = 50;
/** New calls come up by themselves on the first page. */
const NEWEST_MS = 5_000;

export default function Calls() {
  const { t } = useTranslation();
  const filters = useCallFilters();
  const { shown, show, close } = useShown('call');
  const cursor = useCursor(JSON.stringify(filters.query));
  const query = { ...filters.query, limit: PAGE_ROWS, sortDesc: true, ...(cursor.cursor && { before: cursor.cursor }) };
  const calls = api.useQuery(
    'get',
    '/v1/statistics/logs/me',
    { params: { query } },
    { refetchInterval: cursor.cursor === undefined && NEWEST_MS },
  );
  return (
    <Page title={t('calls.title')} about={t('calls.about')}>
      <Group align="end" className="filters">
        <CallFilters {...filters} />
        <OwnKeyFilter value={filters.values.accessKeyId} onChange={(id) => filters.set('accessKeyId', id)} />
      </Group>
      <DataTable
        label={t('calls.title')}
        query={calls}
        rows={calls.data}
        rowKey={({ id }) => id}
        empty={t('calls.none')}
        columns={columnsOfCalls(t, { show })}
        pages={
          <CursorPages {...cursor} nextCursor={calls.data?.length === PAGE_ROWS ? calls.data.at(-1)?.id : undefined} />
        }
      />
      <Details title={t('calls.one')} opened={shown !== undefined} onClose={close}>
        {shown !== undefined && <OpenedCall requestId={shown} />}
      </Details>
    </Page>
  );
}
