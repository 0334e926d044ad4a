import { isTerminal, NO_PROGRESS, type Progress, type Section, type State, type TaskRun } from '@millrace/model';
import type { Decision } from './decision.js';
import { endExecution } from './end-execution.js';
import { closeTaskRun } from './end-task-run.js';
import type { OwnerId } from './facts.js';
import type { TaskPlan } from './plan.js';
import { startTask } from './start-task.js';
import { FLOWABLES, type Flowable } from './tasks/flowables.js';
import { sequential } from './tasks/sequential.js';

/**
 * What is the same for every owner of lists, the flow and each task with children: its lists run in the order `tasks`,
 * `errors` (only after a failure), `finally`; then it ends (spec executions.md §4 and §5). How the tasks of `tasks` follow
 * each other is the task type's own (./tasks).
 */

/** Lanes started in one step; the rest follows in further steps, so that no decision grows with the number of lanes. */
const LANES_PER_STEP = 10;

/** Whoever has lists: the flow, or a task run with children. */
export interface Owner {
  readonly id: OwnerId;
  readonly run: TaskRun | undefined;
  readonly task: TaskPlan | undefined;
  readonly flowable: Flowable;
  readonly progress: Progress;
}

/** @throws when there is no such owner: a bug of the engine */
export function ownerOf(decision: Decision, id: OwnerId): Owner {
  if (id === undefined) {
    return { id, run: undefined, task: undefined, flowable: sequential, progress: decision.view.head.progress };
  }
  const run = decision.view.run(id);
  if (!run) throw new Error(`The execution has no task run '${id}'`);
  const task = decision.taskOf(run);
  const flowable = FLOWABLES.get(task.type);
  if (!flowable) throw new Error(`Task type '${task.type}' has no children`);
  return { id, run, task, flowable, progress: run.progress ?? NO_PROGRESS };
}

/** The tasks of a lane, in order. */
export function laneTasks(decision: Decision, owner: Owner, section: Section, lane: number): readonly TaskPlan[] {
  if (section === 'tasks' && owner.task && owner.run) return owner.flowable.lane(owner.task, owner.run, lane);
  return (owner.task ?? decision.flow).lists[section];
}

/** Lanes of a list; none when all its tasks are disabled. */
export function lanesOf(decision: Decision, owner: Owner, section: Section): number {
  if (laneTasks(decision, owner, section, 0).length === 0) return 0;
  return section === 'tasks' && owner.run ? (owner.run.lanes ?? 0) : 1;
}

/** How many lanes may be open at a time. */
export const lanesAtATime = (owner: Owner, section: Section): number =>
  section === 'tasks' && owner.task ? owner.flowable.concurrency(owner.task) : 1;

/** True when nothing may be started for the owner. Lists after the execution run even when it was killed. */
function isOver(decision: Decision, owner: Owner): boolean {
  if (owner.progress.section === 'ended') return true;
  if (owner.run) return decision.isStopping || isTerminal(owner.run.state);
  return owner.progress.section !== 'afterExecution' && (decision.isStopping || isTerminal(decision.view.head.state));
}

/** Step `advance`: starts what the owner may start now. Pending exactly when it has lanes to start and room for them. */
export function advance(decision: Decision, ownerId: OwnerId): void {
  const owner = ownerOf(decision, ownerId);
  const { section, nextLane, openLanes } = owner.progress;
  if (section === 'ended' || isOver(decision, owner)) return;
  const lanes = lanesOf(decision, owner, section);
  if (nextLane >= lanes && openLanes === 0) return afterSection(decision, owner, section);
  const room = Math.min(lanes - nextLane, lanesAtATime(owner, section) - openLanes);
  const count = Math.min(room, LANES_PER_STEP);
  startLanes(decision, owner, section, count);
  if (room > count) decision.then({ kind: 'advance', owner: ownerId });
}

/** Step `child-ended`: a child has ended for good; what follows in its owner. */
export function childEnded(decision: Decision, ownerId: OwnerId, taskRunId: string): void {
  const owner = ownerOf(decision, ownerId);
  const child = decision.view.run(taskRunId);
  if (!child) return;
  if (decision.isStopping) return settleOwner(decision, owner);
  const { section } = owner.progress;
  // A sibling of a list that was left runs to its end without a say in what comes next.
  if (section === 'ended' || isOver(decision, owner) || child.section !== section) return;
  if (section === 'tasks' && owner.flowable.childEnded(child) === 'leave') return leaveTasks(decision, owner);
  const nextTask = laneTasks(decision, owner, section, child.lane)[child.index + 1];
  if (nextTask) return startInLane(decision, owner, section, child.lane, child.index + 1, nextTask);
  laneEnded(decision, owner, section);
}

function laneEnded(decision: Decision, owner: Owner, section: Section): void {
  const { nextLane, openLanes } = owner.progress;
  decision.fact({ kind: 'lane-ended', owner: owner.id });
  const lanes = lanesOf(decision, owner, section);
  if (nextLane < lanes) {
    // With room before this end, an `advance` is pending already and starts the rest.
    if (openLanes === lanesAtATime(owner, section)) startLanes(decision, owner, section, 1);
  } else if (openLanes === 1) afterSection(decision, owner, section);
}

function startLanes(decision: Decision, owner: Owner, section: Section, count: number): void {
  decision.fact({ kind: 'lanes-started', owner: owner.id, count });
  for (let lane = owner.progress.nextLane; lane < owner.progress.nextLane + count; lane++) {
    const first = laneTasks(decision, owner, section, lane)[0];
    if (first) startInLane(decision, owner, section, lane, 0, first);
  }
}

function startInLane(
  decision: Decision,
  owner: Owner,
  section: Section,
  lane: number,
  index: number,
  task: TaskPlan,
): void {
  const loops = section === 'tasks' && owner.task?.type === 'core.flow.ForEach' && owner.run;
  startTask(decision, task, {
    section,
    lane,
    index,
    ...(owner.id === undefined ? {} : { parentId: owner.id }),
    ...(loops ? { value: decision.view.loopValue(loops.id, lane), iteration: lane } : {}),
  });
}

/** Step `start-in-lane`. */
export function startInOpenLane(decision: Decision, ownerId: OwnerId, lane: number, index: number): void {
  const owner = ownerOf(decision, ownerId);
  if (owner.progress.section !== 'tasks' || isOver(decision, owner)) return;
  const task = laneTasks(decision, owner, 'tasks', lane)[index];
  if (task) startInLane(decision, owner, 'tasks', lane, index, task);
}

function enterSection(decision: Decision, owner: Owner, section: Section): void {
  decision.fact({ kind: 'section-entered', owner: owner.id, section });
  decision.then({ kind: 'advance', owner: owner.id });
}

function leaveTasks(decision: Decision, owner: Owner): void {
  if (lanesOf(decision, owner, 'errors') > 0) return enterSection(decision, owner, 'errors');
  afterSection(decision, owner, 'errors');
}

/** The list has ended: `finally` comes after `tasks` and `errors`, then the owner ends. */
function afterSection(decision: Decision, owner: Owner, section: Section): void {
  if ((section === 'tasks' || section === 'errors') && lanesOf(decision, owner, 'finally') > 0) {
    return enterSection(decision, owner, 'finally');
  }
  if (section === 'afterExecution') {
    decision.fact({ kind: 'section-entered', owner: owner.id, section: 'ended' });
    return;
  }
  if (owner.run && owner.task) return endOwner(decision, owner.run, owner.task, stateOf(owner.progress));
  endExecution(decision, stateOf(owner.progress));
  afterExecution(decision);
}

/** The lists that run when the execution has its final state. */
export function afterExecution(decision: Decision): void {
  const present = decision.flow.lists.afterExecution.length > 0;
  decision.fact({ kind: 'section-entered', owner: undefined, section: present ? 'afterExecution' : 'ended' });
  if (present) decision.then({ kind: 'advance', owner: undefined });
}

/** KILLED before FAILED before WARNING (spec executions.md §5). */
const stateOf = ({ killed, failed, warning }: Progress): State =>
  killed > 0 ? 'KILLED' : failed > 0 ? 'FAILED' : warning > 0 ? 'WARNING' : 'SUCCESS';

function endOwner(decision: Decision, run: TaskRun, task: TaskPlan, state: State): void {
  decision.fact({ kind: 'section-entered', owner: run.id, section: 'ended' });
  closeTaskRun(decision, run, task, state);
}

/** While killing, an owner ends when nothing of it runs any more. */
function settleOwner(decision: Decision, owner: Owner): void {
  if (owner.progress.active > 0) return;
  if (owner.run && owner.task) {
    if (!isTerminal(owner.run.state)) endOwner(decision, owner.run, owner.task, 'KILLED');
    return;
  }
  endExecution(decision, 'KILLED');
  afterExecution(decision);
}

/** Step `settle-kill`: ends every owner, innermost first, that has nothing running. */
export function settleKill(decision: Decision): void {
  if (!decision.isStopping) return;
  const idle = idleOwners(decision, undefined);
  if (idle.length === 0) return settleOwner(decision, ownerOf(decision, undefined));
  for (const run of idle) settleOwner(decision, ownerOf(decision, run.id));
}

function idleOwners(decision: Decision, ownerId: OwnerId): TaskRun[] {
  return decision.view
    .activeChildren(ownerId)
    .filter((run) => run.progress !== undefined)
    .flatMap((run) => (run.progress?.active === 0 ? [run] : idleOwners(decision, run.id)));
}
