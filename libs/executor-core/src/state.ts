import {
  DAG_PAGE,
  isTerminal,
  LOOP_VALUES_PAGE,
  type DagPage,
  type ErrorEntry,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRecord,
  type EndedItems,
  type ExecutionVariables,
  type ItemOutputs,
  type LoopValues,
  type Progress,
  type TaskRun,
} from '@millrace/model';
import type { OwnerId } from './facts.js';
import type { Step } from './outcome.js';
import { Timers } from './timers.js';

/** The records of one execution; the queue's shell owns them, undoes and stores what changed (protocols.md part 1.3). */
export interface Records {
  get(id: string): ExecutionRecord | undefined;
  put(id: string, record: ExecutionRecord): void;
  remove(id: string): void;
  entries(): Iterable<readonly [string, ExecutionRecord]>;
  onChange(
    listener: (id: string, before: ExecutionRecord | undefined, after: ExecutionRecord | undefined) => void,
  ): void;
}

/** Task runs of one task, by the values of the loops around it, outermost first. */
export interface RunsByValue {
  taskRunId?: string;
  inner?: Map<string, RunsByValue>;
}

const HEAD = 'head';
const CREATED = 'created';
const VARIABLES = 'variables';
const ERRORS = 'errors';
/** Most executions have no variables, and no record of them. */
const NO_VARIABLES: ExecutionVariables = { kind: 'variables', variables: {} };
export const valuesId = (taskRunId: string, page: number): string => `values-${taskRunId}-${page}`;
const dagId = (taskRunId: string, page: number): string => `dag-${taskRunId}-${page}`;
const heldId = (index: number): string => `held-${index}`;

const endedItemsId = (taskRunId: string, page: number): string => `items-${taskRunId}-${page}`;
const itemOutputsId = (taskRunId: string, page: number): string => `item-outputs-${taskRunId}-${page}`;

/** What decisions may see of an execution. */
export interface ExecutionView {
  readonly exists: boolean;
  readonly head: ExecutionHead;
  readonly created: ExecutionCreated;
  readonly variables: ExecutionVariables;
  run(taskRunId: string): TaskRun | undefined;
  progress(owner: OwnerId): Progress;
  /** Children of an owner that have not ended; O(their number). */
  activeChildren(owner: OwnerId): readonly TaskRun[];
  /** Every task run; O(their number), so only for what concerns all of them. */
  allRuns(): readonly TaskRun[];
  loopValue(taskRunId: string, index: number): string;
  /** The page of a Dag that holds what is known of a task, or of a lane; empty when nothing is. */
  dagPage(taskRunId: string, page: number): DagPage;
  /** The task, by its place in the Dag, that has a lane. */
  dagLane(taskRunId: string, lane: number): number;
  /** Latest errors, oldest first. */
  readonly errors: readonly ErrorEntry[];
  heldStep(index: number): Step;
  runsOf(taskId: string): RunsByValue | undefined;
  taskIds(): Iterable<string>;
  /** Task runs whose retry, or the end of whose pause, is due at `now`, at most `limit`. */
  dueRuns(now: number, limit: number): readonly TaskRun[];
  /** Task runs that started executions, in the order in which they did: `count` of them from a place on. */
  parents(from: number, count: number): readonly TaskRun[];
  endedItems(taskRunId: string, page: number): EndedItems | undefined;
  itemOutputs(taskRunId: string, page: number): ItemOutputs | undefined;
  /** Of all records; also of an execution that does not exist (yet). O(their number). */
  recordIds(): readonly string[];
  /** Without a head: the snapshot of which some parts have come. */
  readonly awaitedSnapshot: string | undefined;
}

/** One execution in the memory of its partition's owner: its records, and indexes that follow every change of them. */
export class ExecutionState implements ExecutionView {
  readonly #records: Records;
  readonly #active = new Map<OwnerId, Set<string>>();
  readonly #byTask = new Map<string, RunsByValue>();
  /** The index by task has to be made anew: a task run came or went while its parent was not there (an undo). */
  #isStale = false;
  readonly #timers = new Timers();
  /** Ids of task runs that started executions. */
  readonly #parents = new Set<string>();

  constructor(records: Records) {
    this.#records = records;
    const restored = [...records.entries()].filter((entry): entry is [string, TaskRun] => entry[1].kind === 'task-run');
    // A parent comes before its children, whose place in the index follows from the parent's value.
    restored.sort(([, a], [, b]) => a.sequence - b.sequence);
    for (const [, run] of restored) this.#index(undefined, run);
    if (this.exists) this.#timers.set(HEAD, this.head.dueAt);
    records.onChange((id, before, after) => {
      if (before?.kind === 'task-run' || after?.kind === 'task-run') {
        this.#index(before as TaskRun | undefined, after as TaskRun | undefined);
      } else if (id === HEAD) this.#timers.set(HEAD, after?.kind === 'head' ? after.dueAt : undefined);
    });
  }

  recordIds(): readonly string[] {
    return [...this.#records.entries()].map(([id]) => id);
  }

  /** Leaves nothing. */
  removeRecords(): void {
    for (const id of this.recordIds()) this.#records.remove(id);
  }

  get exists(): boolean {
    return this.#records.get(HEAD) !== undefined;
  }

  get head(): ExecutionHead {
    return this.#expect(HEAD, 'head');
  }

  get created(): ExecutionCreated {
    return this.#expect(CREATED, 'created');
  }

  get variables(): ExecutionVariables {
    const record = this.#records.get(VARIABLES);
    return record?.kind === 'variables' ? record : NO_VARIABLES;
  }

  get dueAt(): number | undefined {
    return this.#timers.earliest();
  }

  run(taskRunId: string): TaskRun | undefined {
    const record = this.#records.get(taskRunId);
    return record?.kind === 'task-run' ? record : undefined;
  }

  progress(owner: OwnerId): Progress {
    if (owner === undefined) return this.head.progress;
    const progress = this.run(owner)?.progress;
    if (!progress) throw new Error(`Task run '${owner}' has no children`);
    return progress;
  }

  activeChildren(owner: OwnerId): readonly TaskRun[] {
    const ids = this.#active.get(owner);
    if (!ids) return [];
    return [...ids].map((id) => this.run(id)).filter((run) => run !== undefined);
  }

  allRuns(): readonly TaskRun[] {
    return [...this.#records.entries()].flatMap(([, record]) => (record.kind === 'task-run' ? [record] : []));
  }

  loopValue(taskRunId: string, index: number): string {
    const page = this.#expect(valuesId(taskRunId, Math.floor(index / LOOP_VALUES_PAGE)), 'values');
    const value = page.values[index % LOOP_VALUES_PAGE];
    if (value === undefined) throw new Error(`Task run '${taskRunId}' has no loop value ${index}`);
    return value;
  }

  dagPage(taskRunId: string, page: number): DagPage {
    const record = this.#records.get(dagId(taskRunId, page));
    return record?.kind === 'dag' ? record : { kind: 'dag', taskRunId, page, ended: [], order: [] };
  }

  dagLane(taskRunId: string, lane: number): number {
    const task = this.dagPage(taskRunId, Math.floor(lane / DAG_PAGE)).order[lane % DAG_PAGE];
    if (task === undefined) throw new Error(`Task run '${taskRunId}' has no lane ${lane}`);
    return task;
  }

  get errors(): readonly ErrorEntry[] {
    const record = this.#records.get(ERRORS);
    return record?.kind === 'errors' ? record.entries : [];
  }

  heldStep(index: number): Step {
    // Written by evolve from a step of ours.
    return this.#expect(heldId(index), 'held').step as Step;
  }

  runsOf(taskId: string): RunsByValue | undefined {
    this.#refreshIndex();
    return this.#byTask.get(taskId);
  }

  taskIds(): Iterable<string> {
    this.#refreshIndex();
    return this.#byTask.keys();
  }

  dueRuns(now: number, limit: number): readonly TaskRun[] {
    return this.#timers
      .due(now, limit)
      .map((id) => this.run(id))
      .filter((run) => run !== undefined);
  }

  parents(from: number, count: number): readonly TaskRun[] {
    return [...this.#parents]
      .slice(from, from + count)
      .map((id) => this.run(id))
      .filter((run) => run !== undefined);
  }

  endedItems(taskRunId: string, page: number): EndedItems | undefined {
    const record = this.#records.get(endedItemsId(taskRunId, page));
    return record?.kind === 'ended-items' ? record : undefined;
  }

  itemOutputs(taskRunId: string, page: number): ItemOutputs | undefined {
    const record = this.#records.get(itemOutputsId(taskRunId, page));
    return record?.kind === 'item-outputs' ? record : undefined;
  }

  // ── writing: called by evolve alone ─────────────────────────────────────────────────────────────────────────────

  putHead(head: ExecutionHead): void {
    this.#records.put(HEAD, head);
  }

  putCreated(created: ExecutionCreated): void {
    this.#records.put(CREATED, created);
  }

  putVariables(variables: ExecutionVariables): void {
    this.#records.put(VARIABLES, variables);
  }

  putRun(run: TaskRun): void {
    this.#records.put(run.id, run);
  }

  /** The snapshot of which parts are still to come. */
  get awaitedSnapshot(): string | undefined {
    const created = this.#records.get(CREATED);
    return created?.kind === 'created' ? created.snapshot : undefined;
  }

  /** Parts of this snapshot are still to come; undefined: of none. */
  awaitSnapshot(awaited: string | undefined): void {
    const created = this.#records.get(CREATED);
    if (created?.kind !== 'created' || created.snapshot === awaited) return;
    const { snapshot: _before, ...rest } = created;
    this.#records.put(CREATED, { ...rest, ...(awaited === undefined ? {} : { snapshot: awaited }) });
  }

  /** A record of a copy, as it is. */
  putRecord(id: string, record: ExecutionRecord): void {
    this.#records.put(id, record);
  }

  /** Records are written as they are. */
  rewrite(ids: readonly string[]): void {
    for (const id of ids) {
      const record = this.#records.get(id);
      // A copy: what is the same object has not changed, and is not written.
      if (record !== undefined) this.#records.put(id, { ...record });
    }
  }

  putLoopValues(values: LoopValues): void {
    this.#records.put(valuesId(values.taskRunId, values.page), values);
  }

  putItems(record: EndedItems | ItemOutputs): void {
    if (record.kind === 'ended-items') return this.#records.put(endedItemsId(record.taskRunId, record.page), record);
    const id = itemOutputsId(record.taskRunId, record.page);
    // A worker has written them into a file.
    if (record.lines.length === 0) this.#records.remove(id);
    else this.#records.put(id, record);
  }

  putDagPage(page: DagPage): void {
    this.#records.put(dagId(page.taskRunId, page.page), page);
  }

  putErrors(entries: readonly ErrorEntry[]): void {
    this.#records.put(ERRORS, { kind: 'errors', entries });
  }

  putHeldStep(index: number, step: unknown): void {
    this.#records.put(heldId(index), { kind: 'held', index, step });
  }

  removeHeldStep(index: number): void {
    this.#records.remove(heldId(index));
  }

  /** Removes what is kept for a task run: the values of a loop, the state of a Dag. */
  removeKept(run: TaskRun): void {
    for (const idOf of [valuesId, dagId]) {
      for (let page = 0; this.#records.get(idOf(run.id, page)) !== undefined; page++) {
        this.#records.remove(idOf(run.id, page));
      }
    }
  }

  /** Removes a task run without children, and what is kept for it. */
  removeRun(run: TaskRun): void {
    this.removeKept(run);
    this.#records.remove(run.id);
    this.#active.delete(run.id);
  }

  // ── indexes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #expect<Kind extends ExecutionRecord['kind']>(id: string, kind: Kind): Extract<ExecutionRecord, { kind: Kind }> {
    const record = this.#records.get(id);
    if (record?.kind !== kind) throw new Error(`The execution has no record '${id}'`);
    return record as Extract<ExecutionRecord, { kind: Kind }>;
  }

  #index(before: TaskRun | undefined, after: TaskRun | undefined): void {
    const run = after ?? before;
    if (!run) return;
    const active = after !== undefined && !isTerminal(after.state);
    if (active !== (before !== undefined && !isTerminal(before.state))) {
      if (active) this.#activeSet(run.parentId).add(run.id);
      else this.#activeSet(run.parentId).delete(run.id);
    }
    if (after?.childExecutionId !== undefined || after?.items !== undefined) this.#parents.add(run.id);
    else this.#parents.delete(run.id);
    if (before?.dueAt !== after?.dueAt) this.#timers.set(run.id, after?.dueAt);
    if (!before || !after) this.#indexByValue(run, after !== undefined);
  }

  #refreshIndex(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#byTask.clear();
    for (const run of this.allRuns()) this.#indexByValue(run, true);
  }

  #activeSet(owner: OwnerId): Set<string> {
    let set = this.#active.get(owner);
    if (!set) this.#active.set(owner, (set = new Set()));
    return set;
  }

  #indexByValue(run: TaskRun, present: boolean): void {
    if (run.parentId !== undefined && !this.run(run.parentId)) {
      this.#isStale = true;
      return;
    }
    let node = this.#byTask.get(run.taskId);
    if (!node) this.#byTask.set(run.taskId, (node = {}));
    for (const value of loopPath(this, run)) {
      node.inner ??= new Map();
      let inner = node.inner.get(value);
      if (!inner) node.inner.set(value, (inner = {}));
      node = inner;
    }
    if (present) node.taskRunId = run.id;
    else if (node.taskRunId === run.id) delete node.taskRunId;
  }
}

/** The values of the loops around a task run, outermost first, its own last. */
export function loopPath(view: Pick<ExecutionView, 'run'>, run: Pick<TaskRun, 'parentId' | 'value'>): string[] {
  const path: string[] = [];
  for (let at: Pick<TaskRun, 'parentId' | 'value'> | undefined = run; at;) {
    if (at.value !== undefined) path.unshift(at.value);
    at = at.parentId === undefined ? undefined : view.run(at.parentId);
  }
  return path;
}
