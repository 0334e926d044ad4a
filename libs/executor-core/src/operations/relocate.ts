import type { TaskRun } from '@millrace/model';
import type { FlowPlan, TaskPlan } from '../plan.js';
import type { LaneView } from '../tasks/flowable.js';
import { FLOWABLES } from '../tasks/flowables.js';

/**
 * Task runs of one revision in the places that their tasks have in another one. Left out, with all below them: those whose
 * task is gone, has moved to another list or parent, or has another kind.
 *
 * @param runs parents before their children
 */
export function relocate(runs: readonly TaskRun[], plan: FlowPlan): readonly TaskRun[] {
  const placed = new Map<string, TaskRun>();
  for (const run of runs) {
    const parent = run.parentId === undefined ? undefined : placed.get(run.parentId);
    if (run.parentId !== undefined && !parent) continue;
    const moved = placeOf(run, parent, plan);
    if (moved) placed.set(run.id, moved);
  }
  return [...placed.values()];
}

function placeOf(run: TaskRun, parent: TaskRun | undefined, plan: FlowPlan): TaskRun | undefined {
  const task = plan.tasks.get(run.taskId);
  if (!task || task.section !== run.section || task.parent?.id !== parent?.taskId) return undefined;
  const flowable = FLOWABLES.get(task.type);
  if ((flowable !== undefined) !== (run.progress !== undefined)) return undefined;
  const place = laneAndIndex(task, run, parent, plan);
  if (!place) return undefined;
  // The lanes of a Dag follow from what depends on what, which may be otherwise now: it begins anew.
  if (task.dag) return { ...withoutLanes(run), ...place };
  // A task that renders nothing to know its lanes has those of the new revision.
  const entered = run.lanes !== undefined && flowable?.renders.length === 0 ? flowable.entered(task, {}) : undefined;
  return { ...run, ...place, ...(entered?.kind === 'entered' ? { lanes: entered.lanes } : {}) };
}

function withoutLanes(run: TaskRun): TaskRun {
  const { lanes: _lanes, ...rest } = run;
  return rest;
}

/** Dags are left out here. */
const NO_DAG: LaneView = {
  dagLane: () => -1,
  dagPage: (taskRunId, page) => ({ kind: 'dag', taskRunId, page, ended: [], order: [] }),
};

function laneAndIndex(
  task: TaskPlan,
  run: TaskRun,
  parent: TaskRun | undefined,
  plan: FlowPlan,
): Pick<TaskRun, 'lane' | 'index'> | undefined {
  const owner = task.parent;
  if (owner?.dag) return undefined;
  const flowable = owner && FLOWABLES.get(owner.type);
  if (!owner || !parent || !flowable || run.section !== 'tasks') {
    const index = (owner ?? plan).lists[run.section].indexOf(task);
    return index < 0 ? undefined : { lane: 0, index };
  }
  const lanes = parent.lanes ?? 0;
  for (const lane of [run.lane, ...Array.from({ length: Math.min(lanes, owner.lists.tasks.length) }, (_, at) => at)]) {
    const index = flowable.lane(owner, parent, lane, NO_DAG).indexOf(task);
    if (index >= 0) return { lane, index };
  }
  return undefined;
}
