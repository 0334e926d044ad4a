import { RepositoryError, type Sort } from '../contract.js';
import type { Window } from '../part.js';
import { hitsOf, member, members, totalOf, type Hit } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { ROWS_MAX, typeOf } from './mappings.js';
import { aliasOf, type Kind } from './names.js';
import { every, type Clause } from './queries.js';

export interface Found {
  readonly hits: readonly Hit[];
  readonly total: number;
}

/** Documents read at once where all of them are wanted. */
const PAGE = 500;

/** Searches over the aliases of one installation; each looks at nothing that was not refreshed. */
export class Searching {
  readonly #connection: ElasticsearchConnection;

  constructor(connection: ElasticsearchConnection) {
    this.#connection = connection;
  }

  /** Rows of a window. @throws RepositoryError INVALID_QUERY for rows that are too far away; UNAVAILABLE, BUSY */
  async window(kind: Kind, filter: readonly Clause[], sort: readonly object[], { from, size }: Window): Promise<Found> {
    if (from + size > ROWS_MAX)
      throw new RepositoryError(
        'INVALID_QUERY',
        `Only the first ${ROWS_MAX} results can be paged through: narrow the search with filters`,
        false,
      );
    const answer = await this.#search(kind, {
      query: every(...filter),
      sort,
      from,
      size,
      track_total_hits: true,
      _source: FIELDS,
    });
    return { hits: hitsOf(answer), total: totalOf(answer) };
  }

  /** The first `size`, after a place of the sort. */
  async after(
    kind: Kind,
    filter: readonly Clause[],
    sort: readonly object[],
    size: number,
    place: readonly unknown[] | undefined,
  ): Promise<readonly Hit[]> {
    const answer = await this.#search(kind, {
      query: every(...filter),
      sort,
      size,
      track_total_hits: false,
      _source: FIELDS,
      ...(place === undefined ? {} : { search_after: place }),
    });
    return hitsOf(answer);
  }

  /** All documents, in pages: the sort tells every two apart. */
  async *all(kind: Kind, filter: readonly Clause[], sort: readonly object[]): AsyncGenerator<Hit> {
    for (let place: readonly unknown[] | undefined; ;) {
      const hits = await this.after(kind, filter, sort, PAGE, place);
      yield* hits;
      const last = hits.at(-1);
      if (last === undefined || hits.length < PAGE) return;
      place = last.sort;
    }
  }

  async count(kind: Kind, filter: readonly Clause[]): Promise<number> {
    return totalOf(await this.#search(kind, { query: every(...filter), size: 0, track_total_hits: true }));
  }

  /** Up to `size` different values of a field, sorted. */
  async distinct(kind: Kind, filter: readonly Clause[], field: string, size: number): Promise<readonly string[]> {
    const values = { terms: { field, size, order: { _key: 'asc' } } };
    const buckets = await this.buckets(kind, filter, values);
    return buckets.map((bucket) => String(member(bucket, 'key')));
  }

  async buckets(kind: Kind, filter: readonly Clause[], aggregation: object): Promise<readonly unknown[]> {
    const answer = await this.#search(kind, {
      query: every(...filter),
      size: 0,
      track_total_hits: false,
      aggs: { groups: aggregation },
    });
    return members(answer, 'aggregations', 'groups', 'buckets');
  }

  #search(kind: Kind, body: object): Promise<unknown> {
    return this.#connection.request({
      method: 'POST',
      path: `/${encodeURIComponent(aliasOf(this.#connection.indexPrefix, kind))}/_search`,
      // Half an answer would be a wrong one. Before the first document there is no index.
      query: { ignore_unavailable: true, allow_no_indices: true, allow_partial_search_results: false },
      body,
    });
  }
}

/** All that is read of a document. */
const FIELDS = ['record', 'key', 'id', 'partition', 'position'];

/** In the order of SQL: what is absent comes first ascending, and last descending. */
export const sortOf = (kind: Kind, sort: readonly Sort[], ...ties: readonly Sort[]): readonly object[] =>
  [...sort, ...ties].map(({ field, direction }) => ({
    [field]: {
      order: direction,
      missing: direction === 'asc' ? '_first' : '_last',
      unmapped_type: typeOf(kind, field),
    },
  }));
