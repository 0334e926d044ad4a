import { setTimeout as pause } from 'node:timers/promises';
import { RepositoryError } from '../contract.js';
import { hitsOf, member, type Hit } from './answers.js';
import { writeBulk, type BulkItem } from './bulk.js';
import type { ElasticsearchConnection } from './connection.js';
import type { Clause } from './queries.js';

const PAGE = 1_000;
const KEEP_ALIVE = '5m';
const TRIES = 6;
const FIRST_WAIT_MS = 250;

/**
 * Every document of some indices that fits, in pages, as they were at the beginning.
 * @param indices names or patterns; those that do not exist are passed
 */
export async function* pagesOf(
  connection: ElasticsearchConnection,
  indices: string,
  query: Clause,
  source: boolean | readonly string[],
): AsyncGenerator<readonly Hit[]> {
  const opened = await connection.request({
    method: 'POST',
    path: `/${encodeURIComponent(indices)}/_pit`,
    query: { keep_alive: KEEP_ALIVE, ignore_unavailable: true },
    accept: [404],
  });
  if (opened === undefined) return;
  let id = member(opened, 'id');
  try {
    for (let after: readonly unknown[] | undefined; ;) {
      const answer = await connection.request({
        method: 'POST',
        path: '/_search',
        query: { allow_partial_search_results: false },
        body: {
          pit: { id, keep_alive: KEEP_ALIVE },
          query,
          size: PAGE,
          sort: [{ _shard_doc: 'asc' }],
          track_total_hits: false,
          version: true,
          _source: source,
          ...(after === undefined ? {} : { search_after: after }),
        },
      });
      id = member(answer, 'pit_id') ?? id;
      const hits = hitsOf(answer);
      if (hits.length > 0) yield hits;
      if (hits.length < PAGE) return;
      after = hits.at(-1)?.sort;
    }
  } finally {
    await connection.request({ method: 'DELETE', path: '/_pit', body: { id }, accept: [404] });
  }
}

/** Removes every document that fits. @returns how many */
export async function removeAll(connection: ElasticsearchConnection, indices: string, query: Clause): Promise<number> {
  let removed = 0;
  for await (const hits of pagesOf(connection, indices, query, false)) {
    await writeForSure(
      connection,
      hits.map(({ index, id }) => ({ index, id })),
    );
    removed += hits.length;
  }
  return removed;
}

/**
 * Writes documents until all are settled.
 * @throws RepositoryError UNAVAILABLE when the index is overloaded for long, or refuses one
 */
export async function writeForSure(connection: ElasticsearchConnection, items: readonly BulkItem[]): Promise<void> {
  let left = items;
  for (let tries = 1; left.length > 0; tries++) {
    const settlements = await writeBulk(connection, left);
    const refused = settlements.find(({ kind }) => kind === 'rejected');
    if (refused?.kind === 'rejected')
      throw new RepositoryError('UNAVAILABLE', `Elasticsearch refused a document: ${refused.reason}`, true);
    left = left.filter((_, at) => settlements[at]?.kind === 'retry');
    if (left.length === 0) return;
    if (tries === TRIES) throw new RepositoryError('UNAVAILABLE', 'Elasticsearch is overloaded (429)', true);
    await pause(FIRST_WAIT_MS * 2 ** (tries - 1));
  }
}
