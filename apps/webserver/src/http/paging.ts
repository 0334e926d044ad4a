import { PAGE_SIZE_MAX, type Sort } from '@millrace/repository';
import { unprocessable } from './errors.js';
import type { Query } from './query.js';

export interface Paging {
  readonly page: number;
  readonly size: number;
  readonly sort: readonly Sort[];
}

const PAGE_MAX = 1_000_000;
const SORTS_MAX = 5;

/** `page`, `size` and `sort=field:asc|desc` of a list. @throws HttpError 422 */
export function pagingOf(query: Query): Paging {
  const sort = query.all('sort').filter((one) => one !== '');
  if (sort.length > SORTS_MAX)
    throw unprocessable(`'sort' is given ${sort.length} times; at most ${SORTS_MAX} are allowed`);
  return {
    page: query.integer('page', { min: 1, max: PAGE_MAX }) ?? 1,
    size: query.integer('size', { min: 1, max: PAGE_SIZE_MAX }) ?? 10,
    sort: sort.map(sortOf),
  };
}

function sortOf(text: string): Sort {
  const [, field, direction = 'asc'] = /^([\w.]{1,64})(?::(asc|desc))?$/i.exec(text) ?? [];
  if (field === undefined)
    throw unprocessable(`'sort' must be 'field:asc' or 'field:desc', but is '${text.slice(0, 80)}'`);
  return { field, direction: direction.toLowerCase() === 'desc' ? 'desc' : 'asc' };
}

/** One page of a list that is in memory. */
export const pageOf = <Item>(
  items: readonly Item[],
  { page, size }: Paging,
): { results: readonly Item[]; total: number } => ({
  results: items.slice((page - 1) * size, page * size),
  total: items.length,
});
