import { RepositoryError } from '../contract.js';
import type { Settlement } from '../index-store.js';
import { member, members, numberOf } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { TooLarge } from './failures.js';

/** One line, or two, of a bulk request. */
export interface BulkItem {
  readonly index: string;
  readonly id: string;
  readonly version?: number;
  /** JSON text; absent: the document is removed. */
  readonly source?: string;
}

/** Characters of a request: servers take 100 MB, and slow down long before. */
const CHARACTERS_MAX = 4_000_000;

/** What is said about the whole index or cluster in an item says nothing about the document. */
const OF_THE_INDEX = new Set(['index_not_found_exception', 'cluster_block_exception', 'security_exception']);

const WRITTEN: Settlement = { kind: 'written' };
const NEWER_THERE: Settlement = { kind: 'newer-there' };

/**
 * Writes documents, in requests of bounded size; answers one settlement for each.
 * @throws RepositoryError UNAVAILABLE (retryable) when nothing can be said of some of them
 */
export async function writeBulk(
  connection: ElasticsearchConnection,
  items: readonly BulkItem[],
): Promise<readonly Settlement[]> {
  const settlements: Settlement[] = [];
  for (let from = 0; from < items.length;) {
    let characters = 0;
    let to = from;
    while (to < items.length && (to === from || characters + sizeOf(items[to]) <= CHARACTERS_MAX)) {
      characters += sizeOf(items[to]);
      to++;
    }
    settlements.push(...(await send(connection, items.slice(from, to))));
    from = to;
  }
  return settlements;
}

const sizeOf = (item: BulkItem | undefined): number => (item?.source?.length ?? 0) + 200;

async function send(connection: ElasticsearchConnection, items: readonly BulkItem[]): Promise<readonly Settlement[]> {
  try {
    const answer = await connection.request({
      method: 'POST',
      path: '/_bulk',
      query: { filter_path: 'errors,items.*.status,items.*.error.type,items.*.error.reason' },
      lines: items.flatMap(linesOf),
    });
    if (member(answer, 'errors') === false) return items.map(() => WRITTEN);
    const answers = members(answer, 'items');
    return items.map((item, at) => settlementOf(item, answers[at]));
  } catch (error) {
    if (!(error instanceof TooLarge)) throw asUnavailable(error);
    if (items.length === 1)
      return [{ kind: 'rejected', reason: 'The document is larger than http.max_content_length of Elasticsearch' }];
    const middle = Math.ceil(items.length / 2);
    return [...(await send(connection, items.slice(0, middle))), ...(await send(connection, items.slice(middle)))];
  }
}

function linesOf({ index, id, version, source }: BulkItem): readonly string[] {
  const versioned = version === undefined ? {} : { version, version_type: 'external_gte' };
  const head = { _index: index, _id: id, ...versioned };
  return source === undefined ? [JSON.stringify({ delete: head })] : [JSON.stringify({ index: head }), source];
}

function settlementOf({ index, source }: BulkItem, answer: unknown): Settlement {
  const result = member(answer, source === undefined ? 'delete' : 'index');
  const status = numberOf(member(result, 'status'));
  const error = member(result, 'error');
  const type = String(member(error, 'type') ?? '');
  const reason = `${type}: ${String(member(error, 'reason') ?? '')}`.slice(0, 1_000);
  if (status >= 200 && status < 300) return WRITTEN;
  if (status === 409) return NEWER_THERE;
  // Nothing was there to be removed.
  if (status === 404 && error === undefined && source === undefined) return WRITTEN;
  if (status === 401 || status === 403 || OF_THE_INDEX.has(type) || status === 0)
    throw new RepositoryError('UNAVAILABLE', `Elasticsearch does not take documents in '${index}': ${reason}`, true);
  return status === 429 || status >= 500 ? { kind: 'retry', reason } : { kind: 'rejected', reason };
}

/** To those who write, whatever goes wrong with a whole request is an outage. */
const asUnavailable = (error: unknown): unknown =>
  error instanceof RepositoryError && error.code !== 'UNAVAILABLE'
    ? new RepositoryError('UNAVAILABLE', error.message, true, error)
    : error;
