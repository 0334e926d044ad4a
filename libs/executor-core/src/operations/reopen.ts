import { isTerminal, type State, type TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import type { Fact, OwnerId } from '../facts.js';
import { lanesAtATime, lanesOf, laneTasks, ownerOf, type Owner } from '../owner.js';
import type { Step } from '../outcome.js';
import { FLOWABLES } from '../tasks/flowables.js';
import type { DagPlan } from '../tasks/dag-plan.js';

/** Which task runs of an execution run again, or end otherwise; the owners above them go on. */
export interface Reopening {
  /** Task runs in these states run again, wherever they are the last of their lane. */
  readonly again: ReadonlySet<State>;
  /** This one begins anew, or gets another end; what came after it, in its lane and in those of its ancestors, is removed. */
  readonly target?: { readonly run: TaskRun; readonly to: 'again' | State };
}

/** What follows for an execution whose task runs are reopened. */
export interface Reopened {
  readonly facts: readonly Fact[];
  /** To be decided when the facts are true. */
  readonly steps: readonly Step[];
  /** Task runs that are removed while a worker may have them, or be given them. */
  readonly withdrawn: readonly TaskRun[];
  /** Something that had not come to a good end runs again, `finally` and the like of the flow included. */
  readonly findsWork: boolean;
}

/** A WorkingDirectory is one job: it is run again as a whole. */
const WORKING_DIRECTORY = 'core.flow.WorkingDirectory';

/** They may fail although all that they contain went well: a maximum was reached, nobody came in time. */
const ENDS_BY_ITSELF: ReadonlySet<string> = new Set(['core.flow.LoopUntil', 'core.flow.WaitFor', 'core.flow.Pause']);

/**
 * Works out a restart: from the flow down, through every owner that goes on, lane by lane. Per lane its last task run
 * decides: it runs again, it still runs, or it has ended and the lane goes on after it. `errors`, `finally` and
 * `afterExecution` of owners that go on are removed. O(task runs of the execution).
 */
export function reopen(decision: Decision, wish: Reopening): Reopened {
  return new Reopener(decision, wish).run();
}

/** True for task runs of `errors`, `finally` or `afterExecution`, and for all below them. */
export function isBesideTasks(decision: Decision, run: TaskRun): boolean {
  for (
    let at: TaskRun | undefined = run;
    at;
    at = at.parentId === undefined ? undefined : decision.view.run(at.parentId)
  )
    if (at.section !== 'tasks') return true;
  return false;
}

class Reopener {
  readonly #decision: Decision;
  readonly #wish: Reopening;
  readonly #target: TaskRun | undefined;
  readonly #children = new Map<OwnerId, TaskRun[]>();
  /** The target and its ancestors. */
  readonly #path = new Set<string>();
  readonly #removed: string[] = [];
  readonly #withdrawn: TaskRun[] = [];
  readonly #facts: Fact[] = [];
  readonly #steps: Step[] = [];
  #findsWork = false;

  constructor(decision: Decision, wish: Reopening) {
    this.#decision = decision;
    this.#wish = wish;
    this.#target = wish.target && this.#wholeOf(wish.target.run);
    for (const run of [...decision.view.allRuns()].sort((one, other) => one.sequence - other.sequence)) {
      const siblings = this.#children.get(run.parentId);
      if (siblings) siblings.push(run);
      else this.#children.set(run.parentId, [run]);
    }
    for (let at = this.#target; at; at = this.#parentOf(at)) this.#path.add(at.id);
  }

  run(): Reopened {
    this.#owner(undefined);
    return {
      facts: [{ kind: 'task-runs-removed', taskRunIds: this.#removed }, ...this.#facts],
      steps: this.#steps,
      withdrawn: this.#withdrawn,
      findsWork: this.#findsWork,
    };
  }

  #parentOf(run: TaskRun): TaskRun | undefined {
    return run.parentId === undefined ? undefined : this.#decision.view.run(run.parentId);
  }

  /** The outermost WorkingDirectory around a task run, else the task run itself. */
  #wholeOf(run: TaskRun): TaskRun {
    let whole = run;
    for (let at = this.#parentOf(run); at; at = this.#parentOf(at)) {
      if (this.#decision.taskOf(at).type === WORKING_DIRECTORY) whole = at;
    }
    return whole;
  }

  #owner(id: OwnerId): void {
    const owner = ownerOf(this.#decision, id);
    if (owner.run && owner.task?.dag) return this.#dag(owner, owner.run, owner.task.dag);
    const lanes = new Map<number, TaskRun[]>();
    for (const run of this.#children.get(id) ?? []) {
      if (run.section !== 'tasks') {
        // Beside the tasks of the flow itself nothing else tells that something failed.
        if (id === undefined && this.#wish.again.has(run.state)) this.#findsWork = true;
        this.#remove(run);
      } else lanes.set(run.lane, [...(lanes.get(run.lane) ?? []), run]);
    }
    let [nextLane, openLanes] = [0, 0];
    let failed: TaskRun | undefined;
    const places = [...lanes].sort(([one], [other]) => one - other);
    for (const [lane, runs] of places) {
      nextLane = Math.max(nextLane, lane + 1);
      const last = this.#lastKept(runs);
      const outcome = this.#lane(owner, lane, last);
      if (outcome !== 'ended') openLanes++;
      if (outcome === 'failed') failed ??= last;
    }
    this.#facts.push({ kind: 'lanes-set', owner: id, nextLane, openLanes });
    const room = Math.min(lanesOf(this.#decision, owner, 'tasks') - nextLane, lanesAtATime(owner, 'tasks') - openLanes);
    if (failed) this.#steps.push({ kind: 'child-ended', owner: id, taskRunId: failed.id });
    else if (room > 0 || openLanes === 0) this.#steps.push({ kind: 'advance', owner: id });
  }

  /** A Dag: a lane for each task, in the order in which they became ready; what depends on the target is removed. */
  #dag(owner: Owner, dag: TaskRun, plan: DagPlan): void {
    const [children, beside] = split(this.#children.get(dag.id) ?? [], ({ section }) => section === 'tasks');
    for (const run of beside) this.#remove(run);
    const place = (run: TaskRun): number => plan.placeOf.get(run.taskId) ?? -1;
    const target = children.find(({ id }) => this.#path.has(id));
    const after = target ? dependentsOf(plan, place(target)) : new Set<number>();
    const [gone, kept] = split(children, (run) => after.has(place(run)));
    for (const run of gone) this.#remove(run);
    const order = kept.map(place);
    const ended = plan.needs.map(() => 0);
    let openLanes = 0;
    let failed: TaskRun | undefined;
    for (const [lane, run] of kept.entries()) {
      const outcome = this.#lane(owner, lane, run);
      if (outcome === 'open') openLanes++;
      else if (outcome === 'failed') failed ??= run;
      else for (const dependent of plan.dependents[place(run)] ?? []) ended[dependent] = (ended[dependent] ?? 0) + 1;
    }
    const started = new Set(order);
    const ready = plan.needs.flatMap((needs, task) => (ended[task] === needs && !started.has(task) ? [task] : []));
    this.#facts.push(
      {
        kind: 'dag-rebuilt',
        taskRunId: dag.id,
        order: [...order, ...ready],
        ended,
        lanes: Object.fromEntries(kept.map(({ id }, lane) => [id, lane])),
      },
      { kind: 'lanes-set', owner: dag.id, nextLane: kept.length, openLanes: openLanes + (failed ? 1 : 0) },
    );
    if (failed) this.#steps.push({ kind: 'child-ended', owner: dag.id, taskRunId: failed.id });
    else this.#steps.push({ kind: 'advance', owner: dag.id });
  }

  /** The last task run of a lane; what came after the target is removed. */
  #lastKept(runs: readonly TaskRun[]): TaskRun {
    const ordered = [...runs].sort((one, other) => one.index - other.index || one.sequence - other.sequence);
    const place = ordered.findIndex(({ id }) => this.#path.has(id));
    const kept = place < 0 ? ordered : ordered.slice(0, place + 1);
    for (const run of ordered.slice(kept.length)) this.#remove(run);
    const last = kept.at(-1);
    if (!last) throw new Error('A lane that was started has a task run');
    return last;
  }

  #lane(owner: Owner, lane: number, last: TaskRun): 'open' | 'failed' | 'ended' {
    const isTarget = last.id === this.#target?.id;
    const to = this.#wish.target?.to;
    if (isTarget && to === 'again') return this.#again(last, lane);
    if (this.#path.has(last.id) && !isTarget) return this.#goesOn(last);
    if (!isTarget && this.#wish.again.has(last.state))
      return this.#canGoOn(last) ? this.#goesOn(last) : this.#again(last, lane);
    if (isTarget && to !== undefined && to !== 'again') {
      this.#facts.push({ kind: 'task-run-moved', taskRunId: last.id, to, at: this.#decision.now });
      return this.#after(owner, lane, { ...last, state: to });
    }
    return isTerminal(last.state) ? this.#after(owner, lane, last) : this.#stillRuns(last);
  }

  /** What is inside may have to run again all the same. */
  #stillRuns(run: TaskRun): 'open' {
    const { type } = this.#decision.taskOf(run);
    const isOwner = run.progress !== undefined && run.lanes !== undefined && type !== WORKING_DIRECTORY;
    if (isOwner && !run.evaluating) this.#owner(run.id);
    return 'open';
  }

  /** The lane's last task run has ended: what comes after it. */
  #after(owner: Owner, lane: number, last: TaskRun): 'open' | 'failed' | 'ended' {
    if (owner.flowable.childEnded(last) === 'leave') return 'failed';
    // A Dag's lanes are being found anew, and each has one task.
    if (owner.task?.dag) return 'ended';
    if (laneTasks(this.#decision, owner, 'tasks', lane)[last.index + 1] === undefined) return 'ended';
    this.#steps.push({ kind: 'child-ended', owner: owner.id, taskRunId: last.id });
    return 'open';
  }

  /** False for a task run without children, one that has none yet, and one that failed by itself. */
  #canGoOn(run: TaskRun): boolean {
    const { type } = this.#decision.taskOf(run);
    if (run.progress === undefined || run.lanes === undefined || type === WORKING_DIRECTORY) return false;
    if (run.state === 'PAUSED' || !ENDS_BY_ITSELF.has(type)) return true;
    return (this.#children.get(run.id) ?? []).some(
      ({ section, state }) => section === 'tasks' && this.#wish.again.has(state),
    );
  }

  /** A task run with children goes on where it was. */
  #goesOn(run: TaskRun): 'open' {
    const { now } = this.#decision;
    this.#findsWork = true;
    this.#facts.push(
      { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: now },
      { kind: 'attempt-opened', taskRunId: run.id, at: now },
    );
    if (run.state === 'PAUSED' && FLOWABLES.get(this.#decision.taskOf(run).type)?.repeats) {
      // The wait between two rounds is over.
      this.#steps.push({ kind: 'next-round', taskRunId: run.id });
    } else this.#owner(run.id);
    return 'open';
  }

  /** A task run begins anew, with another attempt; one that never began is made anew. */
  #again(run: TaskRun, lane: number): 'open' {
    const { now } = this.#decision;
    this.#findsWork = true;
    const isUnclaimed = run.histories.at(-2)?.state === 'SUBMITTED';
    if (run.attempts.length === 0 || (isUnclaimed && run.progress)) {
      this.#remove(run);
      this.#steps.push({ kind: 'start-in-lane', owner: run.parentId, lane, index: run.index });
      return 'open';
    }
    for (const child of this.#children.get(run.id) ?? []) this.#remove(child);
    if (isUnclaimed) {
      // Its job was taken back, and that one must not come to life again: the next attempt has another number.
      this.#facts.push(
        { kind: 'attempt-opened', taskRunId: run.id, at: now },
        { kind: 'attempt-closed', taskRunId: run.id, state: 'RESUBMITTED', at: now },
      );
    }
    this.#facts.push(
      { kind: 'task-run-moved', taskRunId: run.id, to: 'RESTARTED', at: now },
      { kind: 'task-run-reset', taskRunId: run.id },
    );
    this.#steps.push({ kind: 'enter', taskRunId: run.id });
    return 'open';
  }

  #remove(run: TaskRun): void {
    for (const child of this.#children.get(run.id) ?? []) this.#remove(child);
    if (!isTerminal(run.state)) this.#withdrawn.push(run);
    this.#removed.push(run.id);
  }
}

/** What matches, and what does not. */
function split<Item>(items: readonly Item[], matches: (item: Item) => boolean): readonly [Item[], Item[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}

/** Everything that waits for a task of a Dag, directly or not. */
function dependentsOf({ dependents }: DagPlan, task: number): ReadonlySet<number> {
  const found = new Set<number>();
  const waiting = [task];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const dependent of dependents[at] ?? []) {
      if (found.has(dependent)) continue;
      found.add(dependent);
      waiting.push(dependent);
    }
  }
  return found;
}
