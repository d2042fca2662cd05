/**
 * The table of all lists: rows of a query, with its loading, empty and error state, and pages. On a phone each row is a
 * list of names and values, so that nothing of it is beyond the edge.
 */
import { Button, Group, Pagination, Paper, Skeleton, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/api-error.ts';
import { failureText } from './failure.ts';
import { usePage } from './filters.ts';
import { type Asked, EmptyState, ErrorState } from './page-states.tsx';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers and actions stand at the end. */
  readonly align?: 'end';
  /** Left out of narrower tables. */
  readonly from?: 'md' | 'lg';
}

interface DataTableProps<Row> {
  /** Said to those who cannot see it. */
  readonly label: string;
  readonly query: Asked;
  readonly rows: readonly Row[] | undefined;
  readonly rowKey: (row: Row) => string | number;
  readonly columns: readonly Column<Row>[];
  readonly empty: string;
  /** Below the text of an empty table: what to do about it. */
  readonly emptyAction?: ReactNode;
  /** Of a list that the API gives in pages. One that comes as a whole is shown in pages when it is long. */
  readonly pages?: ReactNode;
}

const SKELETON_ROWS = 4;
/** What a browser shows at once without an effort. */
const MOST_ROWS = 200;

function classOf(align: 'end' | undefined, from: string | undefined): string {
  return `${align ?? ''} ${from === undefined ? '' : `from-${from}`}`;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { query, rows, columns, label } = props;
  const { t } = useTranslation();
  const { page: asked, onChange } = usePage();
  const lastPage = Math.max(1, Math.ceil((rows?.length ?? 0) / MOST_ROWS));
  const page = Math.min(asked, lastPage);
  const shown = props.pages === undefined ? rows?.slice((page - 1) * MOST_ROWS, page * MOST_ROWS) : rows;
  const isBadFilter = query.error instanceof ApiError && query.error.fields.length > 0;
  if (isBadFilter && rows === undefined) {
    return (
      <Paper withBorder>
        <EmptyState text={t('table.badFilter', { reason: failureText(query.error) })} />
      </Paper>
    );
  }
  if (query.error && rows === undefined) return <ErrorState error={query.error} onRetry={query.refetch} />;
  return (
    <Paper withBorder className="table">
      <Table.ScrollContainer minWidth={0} scrollAreaProps={{ offsetScrollbars: false, viewportProps: { tabIndex: 0 } }}>
        <Table
          aria-label={label}
          aria-busy={query.isPending}
          verticalSpacing="xs"
          horizontalSpacing="md"
          className="list"
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ title, align, from }) => (
                <Table.Th key={title} className={classOf(align, from)}>
                  {title}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown?.map((row) => (
              <Table.Tr key={props.rowKey(row)}>
                {columns.map(({ title, cell, align, from }) => (
                  <Table.Td
                    key={title}
                    data-name={title}
                    className={`${align === undefined ? 'text ' : ''}${classOf(align, from)}`}
                  >
                    <div>{cell(row)}</div>
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
            {rows === undefined && <SkeletonRows columns={columns.length} />}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {rows?.length === 0 && <EmptyState text={props.empty}>{props.emptyAction}</EmptyState>}
      {props.pages ?? <Pages {...{ page, onChange }} of={rows && { pages: lastPage, total: rows.length }} />}
    </Paper>
  );
}

function SkeletonRows({ columns }: { columns: number }) {
  return Array.from({ length: SKELETON_ROWS }, (_, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: these rows are all alike
    <Table.Tr key={index}>
      <Table.Td colSpan={columns}>
        <Skeleton height={18} />
      </Table.Td>
    </Table.Tr>
  ));
}

/** The pages of a list that knows how many it has. */
export function Pages(props: {
  page: number;
  onChange: (page: number) => void;
  /** Without both where it was asked by cursor. */
  of: { readonly pages?: number; readonly total?: number } | undefined;
}) {
  const { t } = useTranslation();
  const { pages = 1, total = 0 } = props.of ?? {};
  if (pages <= 1) return null;
  return (
    <Group justify="space-between" p="md">
      <Text size="sm" c="dimmed">
        {t('table.total', { count: total })}
      </Text>
      <Pagination
        value={props.page}
        total={pages}
        onChange={props.onChange}
        size="sm"
        getControlProps={(control) => ({ 'aria-label': t(`table.${control}`) })}
        getItemProps={(page) => ({ 'aria-label': t('table.page', { page }) })}
      />
    </Group>
  );
}

/** The pages of a list that goes on from the end of the page before. */
export function CursorPages(props: {
  previous?: () => void;
  next: (cursor: string) => void;
  nextCursor: string | null | undefined;
}) {
  const { t } = useTranslation();
  const { previous, next, nextCursor } = props;
  const hasNext = nextCursor !== null && nextCursor !== undefined;
  if (previous === undefined && !hasNext) return null;
  return (
    <Group justify="flex-end" p="md">
      <Button variant="default" size="xs" disabled={previous === undefined} onClick={previous}>
        {t('table.previous')}
      </Button>
      <Button variant="default" size="xs" disabled={!hasNext} onClick={() => hasNext && next(nextCursor)}>
        {t('table.next')}
      </Button>
    </Group>
  );
}
