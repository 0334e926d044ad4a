import { DAG_PAGE, isPlainObject, type TaskDefinition } from '@millrace/model';
import { limitOf, stopsWhenFailed, type Flowable } from './flowable.js';

/**
 * Dag: a task becomes a lane when all that it depends on have ended, in whatever state; `concurrent` lanes at a time, in
 * the order in which they became ready. A failed child stops the start of further ones, as in a Parallel.
 */
export const dag: Flowable = {
  renders: [],
  children: dagTasks,
  entered: (task) => {
    const { dag: plan } = task;
    if (!plan) throw new Error(`'${task.id}' was not planned as a Dag`);
    if (plan.fault !== undefined) return { kind: 'refused', message: `${plan.fault}: correct 'dependsOn'.` };
    return { kind: 'entered', lanes: 0, ready: plan.roots };
  },
  lane: (task, run, lane, view) => {
    const child = task.lists.tasks[view.dagLane(run.id, lane)];
    return child ? [child] : [];
  },
  concurrency: (task) => limitOf(task.definition['concurrent'], 0),
  childEnded: stopsWhenFailed,
  unlocked: (task, run, child, view) => {
    const place = task.dag?.placeOf.get(child.taskId);
    const dependents = place === undefined ? [] : (task.dag?.dependents[place] ?? []);
    const ready = dependents.filter((dependent) => {
      const { ended } = view.dagPage(run.id, Math.floor(dependent / DAG_PAGE));
      return (ended[dependent % DAG_PAGE] ?? 0) + 1 === task.dag?.needs[dependent];
    });
    return { dependents, ready };
  },
};

/** The tasks inside the entries of a Dag. */
function dagTasks(written: TaskDefinition): readonly unknown[] {
  const entries: unknown = written['tasks'];
  return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown) =>
    isPlainObject(entry) && isPlainObject(entry['task']) ? [entry['task']] : [],
  );
}
