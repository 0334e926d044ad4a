import { excerpt, isPlainObject } from '@millrace/model';
import { stopsWhenFailed, type Flowable } from './flowable.js';

const CASE = 'case:';
const DEFAULTS = 'defaults';

/** Switch: one lane with the tasks of the case whose name equals the value, or of `defaults`. */
export const switchTask: Flowable = {
  renders: ['value'],
  branches: (written) => [
    ...Object.entries(isPlainObject(written['cases']) ? written['cases'] : {}).map(
      ([name, tasks]) => [CASE + name, tasks] as const,
    ),
    ...(written['defaults'] === undefined ? [] : [[DEFAULTS, written['defaults']] as const]),
  ],
  entered: (task, rendered) => {
    const value = String(rendered['value'] ?? '');
    const matched = task.branches.has(CASE + value);
    if (!matched && !task.branches.has(DEFAULTS)) {
      return {
        kind: 'refused',
        message: `No case of '${task.id}' is called '${excerpt(value)}' and it has no 'defaults': add the case, or 'defaults'.`,
      };
    }
    return {
      kind: 'entered',
      lanes: 1,
      branch: matched ? CASE + value : DEFAULTS,
      outputs: { value, defaults: !matched },
    };
  },
  lane: (task, run) => task.branches.get(run.branch ?? '') ?? [],
  concurrency: () => 1,
  childEnded: stopsWhenFailed,
};
