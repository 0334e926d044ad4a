import { taskTree } from '@millrace/flow';
import type { Breakpoint, Flow, TaskTypeCatalog } from '@millrace/model';
import { unprocessable } from '../http/errors.js';
import type { Query } from '../http/query.js';

const BREAKPOINTS_MAX = 100;

/**
 * The parameter `breakpoints` of a request: `taskId` or `taskId.value`, separated by commas. undefined: none.
 * @throws HttpError 422 for too many, and for a task that the flow does not have
 */
export function breakpointsOf(query: Query, flow: Flow, catalog: TaskTypeCatalog): readonly Breakpoint[] | undefined {
  const texts = (query.text('breakpoints') ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (texts.length === 0) return undefined;
  if (texts.length > BREAKPOINTS_MAX)
    throw unprocessable(`There are ${texts.length} breakpoints; at most ${BREAKPOINTS_MAX} are allowed`);
  const known = new Set(taskTree(flow.definition, catalog).map(({ task }) => task.id));
  return texts.map((text) => {
    // Ids of tasks have no dot.
    const dot = text.indexOf('.');
    const [id, value] = dot < 0 ? [text, undefined] : [text.slice(0, dot), text.slice(dot + 1)];
    if (!known.has(id)) {
      throw unprocessable(`The breakpoint '${text.slice(0, 80)}' is before no task of the flow '${flow.id}'`, [
        { message: `there is no task '${id.slice(0, 80)}'`, path: 'breakpoints' },
      ]);
    }
    return value === undefined ? { id } : { id, value };
  });
}
