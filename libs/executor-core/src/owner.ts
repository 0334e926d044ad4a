import { isTerminal, NO_PROGRESS, type Progress, type Section, type State, type TaskRun } from '@millrace/model';
import { chooseListeners } from './listeners.js';
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
  if (section === 'tasks' && owner.task && owner.run) {
    return owner.flowable.lane(owner.task, owner.run, lane, decision.view);
  }
  if (section === 'listeners') return decision.flow.listeners[decision.view.head.listeners?.[lane] ?? -1]?.tasks ?? [];
  return (owner.task ?? decision.flow).lists[section];
}

/** Lanes of a list; none when all its tasks are disabled. */
export function lanesOf(decision: Decision, owner: Owner, section: Section): number {
  if (section === 'listeners') return decision.view.head.listeners?.length ?? 0;
  if (section === 'tasks' && owner.run) {
    const { lanes = 0 } = owner.run;
    return lanes === 0 || laneTasks(decision, owner, section, 0).length === 0 ? 0 : lanes;
  }
  return laneTasks(decision, owner, section, 0).length === 0 ? 0 : 1;
}

/** How many lanes may be open at a time. */
export const lanesAtATime = (owner: Owner, section: Section): number =>
  section === 'tasks' && owner.task ? owner.flowable.concurrency(owner.task) : 1;

/** True when nothing may be started for the owner. Lists after the execution run even when it was killed. */
function isOver(decision: Decision, owner: Owner): boolean {
  if (owner.progress.section === 'ended') return true;
  if (owner.run) return decision.isLeaving || isTerminal(owner.run.state);
  if (owner.progress.section === 'afterExecution' || owner.progress.section === 'listeners') return false;
  return decision.isLeaving || isTerminal(decision.view.head.state);
}

/** Step `advance`: starts what the owner may start now. Pending exactly when it has lanes to start and room for them. */
export function advance(decision: Decision, ownerId: OwnerId): void {
  const owner = ownerOf(decision, ownerId);
  const { section, nextLane, openLanes } = owner.progress;
  if (section === 'ended' || isOver(decision, owner)) return;
  if (section === 'tasks' && owner.run && owner.flowable.endedAs) {
    const endedAs = owner.flowable.endedAs(owner.run);
    if (endedAs === undefined) return;
    if (endedAs === 'FAILED') return leaveTasks(decision, owner);
  }
  const lanes = lanesOf(decision, owner, section);
  if (nextLane >= lanes && openLanes === 0) return listEnded(decision, owner, section);
  const room = Math.min(lanes - nextLane, lanesAtATime(owner, section) - openLanes);
  if (room <= 0) return;
  const count = Math.min(room, LANES_PER_STEP);
  startLanes(decision, owner, section, count);
  if (room > count) decision.then({ kind: 'advance', owner: ownerId });
}

/** Step `child-ended`: a child has ended for good; what follows in its owner. */
export function childEnded(decision: Decision, ownerId: OwnerId, taskRunId: string): void {
  const owner = ownerOf(decision, ownerId);
  const child = decision.view.run(taskRunId);
  if (!child) return;
  if (decision.isLeaving) return settleOwner(decision, owner);
  const { section } = owner.progress;
  // A sibling of a list that was left runs to its end without a say in what comes next.
  if (section === 'ended' || isOver(decision, owner) || child.section !== section) return;
  if (section === 'tasks' && owner.flowable.childEnded(child) === 'leave') return leaveTasks(decision, owner);
  if (section === 'tasks' && unlock(decision, owner, child)) return;
  const nextTask = laneTasks(decision, owner, section, child.lane)[child.index + 1];
  if (nextTask) return startInLane(decision, owner, section, child.lane, child.index + 1, nextTask);
  laneEnded(decision, owner, section);
}

/** Of a task whose lanes become ready one after the other: the lane has ended, and others may start. */
function unlock(decision: Decision, owner: Owner, child: TaskRun): boolean {
  if (!owner.run || !owner.task || !owner.flowable.unlocked) return false;
  const { dependents, ready } = owner.flowable.unlocked(owner.task, owner.run, child, decision.view);
  decision.fact({ kind: 'lane-ended', owner: owner.id });
  if (dependents.length > 0) decision.fact({ kind: 'dag-advanced', taskRunId: owner.run.id, dependents, ready });
  decision.then({ kind: 'advance', owner: owner.id });
  return true;
}

function laneEnded(decision: Decision, owner: Owner, section: Section): void {
  const { nextLane, openLanes } = owner.progress;
  decision.fact({ kind: 'lane-ended', owner: owner.id });
  const lanes = lanesOf(decision, owner, section);
  if (nextLane < lanes) {
    // With room before this end, an `advance` is pending already and starts the rest.
    if (openLanes === lanesAtATime(owner, section)) startLanes(decision, owner, section, 1);
  } else if (openLanes === 1) listEnded(decision, owner, section);
}

/** The last lane of a list has ended. */
function listEnded(decision: Decision, owner: Owner, section: Section): void {
  // It goes on when it is resumed, or its time is over.
  if (owner.run?.state === 'PAUSED') return;
  if (section === 'tasks' && owner.run && owner.flowable.repeats && owner.run.endsAs === undefined) {
    return decision.then({ kind: 'round-ended', taskRunId: owner.run.id });
  }
  if (section === 'tasks' && owner.run?.endsAs === 'FAILED') return leaveTasks(decision, owner);
  afterSection(decision, owner, section);
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
  startTask(decision, task, {
    section,
    lane,
    index,
    ...(owner.id === undefined ? {} : { parentId: owner.id }),
    ...(section === 'tasks' ? loopPlace(decision, owner, lane) : {}),
  });
}

/** Step `start-in-lane`. */
export function startInOpenLane(decision: Decision, ownerId: OwnerId, lane: number, index: number): void {
  const owner = ownerOf(decision, ownerId);
  if (owner.progress.section !== 'tasks' || isOver(decision, owner)) return;
  const task = laneTasks(decision, owner, 'tasks', lane)[index];
  if (task) startInLane(decision, owner, 'tasks', lane, index, task);
}

function loopPlace(decision: Decision, { run, task, flowable }: Owner, lane: number) {
  if (!run || !task) return {};
  if (flowable.repeats) return { iteration: Number(run.outputs?.['iterationCount'] ?? 1) - 1 };
  const iteration = flowable.valueIndex?.(task, lane);
  return iteration === undefined ? {} : { value: decision.view.loopValue(run.id, iteration), iteration };
}

function enterSection(decision: Decision, owner: Owner, section: Section): void {
  decision.fact({ kind: 'section-entered', owner: owner.id, section });
  decision.then({ kind: 'advance', owner: owner.id });
}

function leaveTasks(decision: Decision, owner: Owner): void {
  // A Pause whose `onPause` failed does not wait any longer.
  if (owner.run?.state === 'PAUSED') {
    decision.fact({ kind: 'task-run-moved', taskRunId: owner.run.id, to: 'RUNNING', at: decision.now });
  }
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
  if (section === 'listeners') return afterListeners(decision);
  if (owner.run && owner.task) {
    return endOwner(decision, owner.run, owner.task, endOf(owner.run, owner));
  }
  endExecution(decision, stateOf(owner.progress));
  afterExecution(decision);
}

/** A Pause whose time is over ends as its `onPause` does when that fails, whichever was first. */
function endOf(run: TaskRun, { flowable, progress }: Owner): State {
  const counted = stateOf(progress);
  if (run.endsAs === 'WARNING' && counted !== 'SUCCESS') return counted;
  return run.endsAs ?? flowable.endedAs?.(run) ?? counted;
}

/** The lists that run when the execution has its final state. */
export function afterExecution(decision: Decision): void {
  // Conditions of listeners are about the final state, which is seen in the next step.
  if (decision.flow.listeners.length > 0) decision.then({ kind: 'listen' });
  else afterListeners(decision);
}

/** Step `listen`: the listeners whose conditions hold run one after the other. */
export function listen(decision: Decision): void {
  const listeners = chooseListeners(decision);
  if (listeners.length === 0) return afterListeners(decision);
  decision.fact({ kind: 'listeners-chosen', listeners });
  enterSection(decision, ownerOf(decision, undefined), 'listeners');
}

function afterListeners(decision: Decision): void {
  const present = decision.flow.lists.afterExecution.length > 0;
  decision.fact({ kind: 'section-entered', owner: undefined, section: present ? 'afterExecution' : 'ended' });
  if (present) decision.then({ kind: 'advance', owner: undefined });
}

/**
 * Step `leave`: how a task run with children ends was decided, whatever those give. FAILED ones run their `errors` first,
 * then all `finally`; what still runs in `tasks` has no say any more.
 */
export function leave(decision: Decision, run: TaskRun): void {
  const owner = ownerOf(decision, run.id);
  if (isOver(decision, owner) || owner.progress.section !== 'tasks') return;
  if (run.endsAs === 'FAILED') leaveTasks(decision, owner);
  else afterSection(decision, owner, 'tasks');
}

/** The list `tasks` of a task that could repeat it has ended for good. */
export function endTasks(decision: Decision, run: TaskRun): void {
  afterSection(decision, ownerOf(decision, run.id), 'tasks');
}

/** KILLED before FAILED before WARNING (spec executions.md §5). */
export const stateOf = ({ killed, failed, warning }: Progress): State =>
  killed > 0 ? 'KILLED' : failed > 0 ? 'FAILED' : warning > 0 ? 'WARNING' : 'SUCCESS';

/** Ends a task run with children: nothing more of it is started. */
export function endOwner(decision: Decision, run: TaskRun, task: TaskPlan, state: State): void {
  decision.fact({ kind: 'section-entered', owner: run.id, section: 'ended' });
  closeTaskRun(decision, run, task, state);
}

/** While everything ends, an owner ends when nothing of it runs any more. */
function settleOwner(decision: Decision, owner: Owner): void {
  if (owner.progress.active > 0) return;
  if (owner.run && owner.task) {
    if (isTerminal(owner.run.state)) return;
    return endOwner(decision, owner.run, owner.task, endWhileLeaving(decision, owner.run, owner.progress));
  }
  endExecution(decision, decision.view.head.endsAs ?? 'KILLED');
  afterExecution(decision);
}

function endWhileLeaving(decision: Decision, run: TaskRun, progress: Progress): State {
  if (decision.isStopping) return 'KILLED';
  return run.endsAs ?? (run.state === 'PAUSED' ? 'KILLED' : stateOf(progress));
}

/** Step `settle-kill`: ends every owner, innermost first, that has nothing running. */
export function settleKill(decision: Decision): void {
  if (!decision.isLeaving) return;
  const idle = idleOwners(decision, undefined);
  if (idle.length === 0) return settleOwner(decision, ownerOf(decision, undefined));
  for (const run of idle) settleOwner(decision, ownerOf(decision, run.id));
}

function idleOwners(decision: Decision, ownerId: OwnerId): TaskRun[] {
  return (
    decision.view
      .activeChildren(ownerId)
      // One that a worker has is not idle: the worker will tell.
      .filter((run) => run.progress !== undefined && run.claim === undefined)
      .flatMap((run) => (run.progress?.active === 0 ? [run] : idleOwners(decision, run.id)))
  );
}
