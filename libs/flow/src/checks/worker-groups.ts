import { DEFAULT_GROUP, isPlainObject, nearestName, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { isTemplate } from '../templates.js';
import { quoted } from '../words.js';

/**
 * Worker groups that are named literally must be there: a task whose group is unknown fails whenever it runs. What an
 * expression gives is known only then.
 *
 * @param known keys of the groups that the flow may use
 */
export function checkWorkerGroups(
  flow: PlainObject,
  tasks: readonly WrittenTask[],
  known: readonly string[],
  report: Report,
): void {
  check(flow['workerGroup'], [], known, report);
  for (const { value, path } of tasks) check(value['workerGroup'], path, known, report);
  const { triggers } = flow;
  if (!Array.isArray(triggers)) return;
  triggers.forEach((trigger: unknown, index) => {
    if (isPlainObject(trigger)) check(trigger['workerGroup'], ['triggers', index], known, report);
  });
}

function check(workerGroup: unknown, path: Path, known: readonly string[], report: Report): void {
  if (!isPlainObject(workerGroup)) return;
  const message = workerGroupFault(workerGroup['key'], known);
  if (message !== undefined) report.fault([...path, 'workerGroup', 'key'], message);
  const { fallback = 'WAIT', waitAtMost } = workerGroup;
  if (waitAtMost === undefined || fallback === 'WAIT') return;
  report.warning(
    [...path, 'workerGroup', 'waitAtMost'],
    `'waitAtMost' has no effect with the fallback ${String(fallback)}, which does not wait: remove one of them.`,
    { part: 'name' },
  );
}

/** What is wrong with the key of a worker group as it is written; undefined for an expression, and for one that is there. */
export function workerGroupFault(written: unknown, known: readonly string[]): string | undefined {
  if (isTemplate(written) || typeof written !== 'string') return undefined;
  const key = written.trim();
  if (key === '' || key === DEFAULT_GROUP || known.includes(key)) return undefined;
  const nearest = nearestName(key, known);
  const advice = nearest === undefined ? '' : ` Did you mean ${quoted(nearest)}?`;
  return `There is no worker group ${quoted(key)} for this tenant. Those that it may use are: ${known.join(', ')}.${advice}`;
}
