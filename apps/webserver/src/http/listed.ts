import { RepositoryError, type Page } from '@millrace/repository';
import { json, type Answer } from './answer.js';

/** Says for how many seconds of what was committed last the index does not answer yet. */
const BEHIND_HEADER = 'X-Millrace-Index-Behind';

/** A page of a list, which says when the index is behind. */
export function listed<Item>({ total, behind }: Page<unknown>, results: readonly Item[]): Answer {
  if (behind === undefined) return json({ results, total });
  const { seconds, reason } = behind;
  return {
    ...json({ results, total, indexBehind: { seconds, reason } }),
    headers: { [BEHIND_HEADER]: String(seconds) },
  };
}

/**
 * A page of what is about to be changed.
 * @throws RepositoryError UNAVAILABLE when some of it may be missing: a change of all that fits must not leave out some
 */
export function complete<Item>(page: Page<Item>): Page<Item> {
  if (page.behind?.isMissing !== true) return page;
  throw new RepositoryError('UNAVAILABLE', page.behind.reason, true);
}
