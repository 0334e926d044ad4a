import { keyParts, type TaskRun } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { documentId } from '../names.js';
import { positionOf, textOf, type Operation } from './document.js';

/** The kind of marks in `execution-records`. */
export const REMOVED_RUN = 'removed-run';

/**
 * A task run, versioned by its revision. When its record is removed, either the execution was restarted and the task run is
 * no more, or the queue no longer needs it: a mark is left, and who reads the execution tells (`withoutRemoved`).
 */
export function taskRunOperation(record: LoggedRecord<TaskRun>): Operation {
  const { key, id, value } = record;
  const [tenant = ''] = keyParts(key);
  const position = positionOf(record);
  if (value === null)
    return {
      kind: 'execution-records',
      id: documentId(key, REMOVED_RUN, id),
      at: 0,
      version: position,
      document: {
        key,
        tenant,
        id: `${REMOVED_RUN}/${id}`,
        kind: REMOVED_RUN,
        position,
        record: textOf({ id, position }),
      },
    };
  const { sequence, state, taskId, histories, revision } = value;
  return {
    kind: 'task-runs',
    id: documentId(key, id),
    at: histories[0]?.date ?? 0,
    version: revision,
    document: { key, tenant, id, sequence, state, taskId, position, record: textOf(value) },
  };
}

export interface PlacedTaskRun {
  readonly run: TaskRun;
  readonly position: number;
}

/**
 * Leaves out the task runs that were removed from an execution. The head says how many there are (`expected`), and what was
 * removed for the queue's sake came last: so the earliest marks count, as many as there are task runs too many. A mark is
 * void when the task run was written again after it.
 * @param marks positions of the marks, by id of the task run
 */
export function withoutRemoved(
  runs: readonly PlacedTaskRun[],
  marks: ReadonlyMap<string, number>,
  expected: number,
): readonly TaskRun[] {
  const marked = runs
    .flatMap(({ run, position }) => {
      const at = marks.get(run.id);
      return at === undefined || at < position ? [] : [{ id: run.id, at }];
    })
    .sort((one, other) => one.at - other.at)
    .slice(0, Math.max(0, runs.length - expected));
  const removed = new Set(marked.map(({ id }) => id));
  return runs.filter(({ run }) => !removed.has(run.id)).map(({ run }) => run);
}
