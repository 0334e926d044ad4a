import { complete } from '../http/listed.js';
import { EXECUTION_ID_PATTERN, type ExecutionHead } from '@millrace/model';
import { json, type Answer } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { EXECUTION_FLAT, filtersOf } from '../http/filters.js';
import type { Call } from '../http/route.js';
import type { RouteServices } from '../routes/services.js';
import type { Check } from './operations.js';

/** Ids in the body of one request. */
const IDS_MAX = 1_000;
/** Executions that a query of one request may match. */
const MATCHES_MAX = 10_000;
/** Executions looked up, or operated, at the same time. */
const AT_A_TIME = 50;
const PAGE = 500;

export const IDS_SCHEMA = {
  type: 'array',
  maxItems: IDS_MAX,
  items: { type: 'string', pattern: EXECUTION_ID_PATTERN },
} as const;

/** Ids of executions as JSON. */
export const IDS = jsonBody<string[]>(IDS_SCHEMA);

/** One execution of a bulk request that cannot be changed. */
interface Invalid {
  readonly message: string;
  readonly invalidValue: string;
  readonly path: string;
}

/** What is done with each execution. @throws HttpError when its owner refuses it */
export type Action = (head: ExecutionHead) => Promise<void>;

/** The executions with these ids. @throws HttpError 422 with all that are unknown or fail `check` */
export async function headsByIds(
  { repository }: RouteServices,
  { scope }: Call,
  ids: readonly string[],
  check: Check,
): Promise<readonly ExecutionHead[]> {
  const heads: ExecutionHead[] = [];
  const invalids: Invalid[] = [];
  for (const some of chunks([...new Set(ids)], AT_A_TIME)) {
    const found = await Promise.all(some.map((id) => repository.executionHead(scope, id)));
    found.forEach((head, at) => {
      const message = head ? check(head) : 'execution not found';
      if (message !== undefined) invalids.push({ message, invalidValue: some[at] ?? '', path: 'id' });
      else if (head) heads.push(head);
    });
  }
  if (invalids.length > 0) throw refused('Some executions cannot be changed; none was', invalids);
  return heads;
}

/** The executions that the filters of a request match. @throws HttpError 422 as `headsByIds`, and when there are too many */
export async function headsByQuery(
  { repository, context }: RouteServices,
  { scope, query }: Call,
  check: Check,
): Promise<readonly ExecutionHead[]> {
  const heads: ExecutionHead[] = [];
  const invalids: Invalid[] = [];
  const filters = filtersOf(query, EXECUTION_FLAT);
  const now = context.clock.now();
  for (let page = 1; ; page++) {
    // By id: what is created meanwhile does not move the pages much, and nothing is met twice.
    const sort = [{ field: 'id', direction: 'asc' }] as const;
    const found = await repository.searchExecutions(scope, { page, size: PAGE, sort, filters, now });
    const { results, total } = complete(found);
    if (total > MATCHES_MAX) {
      throw unprocessable(
        `The query matches ${total} executions; at most ${MATCHES_MAX} are changed by one request: narrow it, by dates for example`,
      );
    }
    for (const { head } of results) {
      const message = check(head);
      if (message === undefined) heads.push(head);
      else if (invalids.length < IDS_MAX) invalids.push({ message, invalidValue: head.executionId, path: 'id' });
    }
    if (results.length < PAGE) break;
  }
  if (invalids.length > 0) throw refused('Some executions cannot be changed; none was', invalids);
  return heads;
}

/** Does it with each; answers their number. @throws HttpError 422 when some were changed by others meanwhile, with those */
export async function forEachHead(heads: readonly ExecutionHead[], action: Action): Promise<Answer> {
  const invalids: Invalid[] = [];
  let count = 0;
  for (const some of chunks(heads, AT_A_TIME)) {
    const outcomes = await Promise.allSettled(some.map((head) => action(head)));
    outcomes.forEach((outcome, at) => {
      if (outcome.status === 'fulfilled') count++;
      else if (outcome.reason instanceof HttpError && outcome.reason.status < 500) {
        invalids.push({ message: outcome.reason.message, invalidValue: some[at]?.executionId ?? '', path: 'id' });
      } else throw outcome.reason;
    });
  }
  if (invalids.length === 0) return json({ count });
  throw refused(`${count} executions were changed; the others were refused`, invalids);
}

const refused = (message: string, invalids: readonly Invalid[]): HttpError =>
  new HttpError(422, message, { members: { invalids } });

function* chunks<Item>(items: readonly Item[], size: number): Iterable<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
