import { derivedId, type Job, type PlainObject, type TaskDefinition, type TaskRun } from '@millrace/model';
import type { Decision } from './decision.js';
import type { TaskPlan } from './plan.js';
import { withoutNames } from './rendering.js';
import { loopPath } from './state.js';

export const WORKING_DIRECTORY = 'core.flow.WorkingDirectory';

/** What a job of a WorkingDirectory has besides what all jobs have. */
export interface ChildrenGivenOut {
  readonly task: TaskDefinition;
  /** All whose variables the job carries: its own properties and those of its children. */
  readonly rendered: PlainObject;
  readonly job: Pick<Job, 'children' | 'loopValues'>;
}

/**
 * Prepares a WorkingDirectory for a worker: the task runs that an earlier attempt left are removed, and those to come get
 * ids of a generation of their own, so that a late word of an earlier worker meets none of them (protocols.md part 3.9).
 */
export function giveOutChildren(
  decision: Decision,
  task: TaskPlan,
  definition: TaskDefinition,
  id: string,
): ChildrenGivenOut {
  const run = decision.view.run(id);
  if (!run) throw new Error(`The execution has no task run '${id}'`);
  const earlier = workerChildren(decision, task, run);
  if (earlier.length > 0) decision.fact({ kind: 'task-runs-removed', taskRunIds: earlier });
  if (run.progress?.section !== 'tasks') decision.fact({ kind: 'section-entered', owner: id, section: 'tasks' });
  const generation = decision.view.head.generation + (earlier.length > 0 ? 1 : 0);
  decision.fact({ kind: 'children-given-out', taskRunId: id, generation });
  const children = task.lists.tasks.map((child) => ({
    taskRunId: childId(decision, child, id, generation),
    task: child.definition,
  }));
  const path = loopPath(decision.view, run);
  return { ...renderedBy(definition, task), job: { children, ...(path.length === 0 ? {} : { loopValues: path }) } };
}

/** Ids of the task runs of children that exist. */
export function workerChildren(decision: Decision, task: TaskPlan, run: TaskRun): readonly string[] {
  const { childGeneration } = run;
  if (childGeneration === undefined) return [];
  return task.lists.tasks
    .map((child) => childId(decision, child, run.id, childGeneration))
    .filter((id) => decision.view.run(id) !== undefined);
}

export const childId = (decision: Decision, child: TaskPlan, parentId: string, generation: number): string =>
  derivedId(decision.view.head.executionId, child.id, parentId, undefined, undefined, generation);

const LISTS = ['tasks', 'errors', 'finally'];
const NOT_FOR_THE_WORKER = ['description', 'version', 'retry', 'workerGroup'];

const prepared = new WeakMap<TaskDefinition, Pick<ChildrenGivenOut, 'task' | 'rendered'>>();

/** Made once for each task of a revision, for its analysis is kept by identity. */
function renderedBy(definition: TaskDefinition, plan: TaskPlan): Pick<ChildrenGivenOut, 'task' | 'rendered'> {
  let made = prepared.get(definition);
  if (!made) {
    const task = withoutNames(definition, LISTS) as TaskDefinition;
    const children = plan.lists.tasks.map((child) => withoutNames(child.definition, NOT_FOR_THE_WORKER));
    prepared.set(definition, (made = { task, rendered: { ...task, children } }));
  }
  return made;
}
