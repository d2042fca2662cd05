/** A list of the API as a whole, however many pages that takes. */
const PAGE_ROWS = 100;

interface ListPage<Row> {
  readonly records: readonly Row[];
  readonly pages?: number;
}

/** @param pageOf asks for one page, counted from one. */
export async function allPages<Row>(
  pageOf: (page: { readonly pageNum: number; readonly pageSize: number }) => Promise<{ data?: ListPage<Row> }>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let pageNum = 1, pages = 1; pageNum <= pages; pageNum += 1) {
    const { data } = await pageOf({ pageNum, pageSize: PAGE_ROWS });
    rows.push(...(data?.records ?? []));
    pages = data?.pages ?? 0;
  }
  return rows;
}
