import { ENGINE_TASKS, taskTypeCatalog } from '@millrace/model';
import type {
  ExecutionEvent,
  ExecutionRecord,
  Flow,
  FlowSource,
  Job,
  JobOutcome,
  LogEntry,
  ParentTaskRun,
  PlainObject,
  State,
  TaskRun,
} from '@millrace/model';
import {
  DEFAULT_LIMITS,
  decide,
  evolve,
  ExecutionState,
  failed,
  planFlow,
  type Effect,
  type ExecutionContext,
  type Fact,
  type InlineTask,
  type Input,
  type PlanSources,
  type Records,
} from '../src/index.js';

/** Records in memory, with the counts that the cost tests look at. */
export class MemoryRecords implements Records {
  readonly map = new Map<string, ExecutionRecord>();
  written = 0;
  bytesWritten = 0;
  readonly touched = new Set<string>();
  #listener: (id: string, before: ExecutionRecord | undefined, after: ExecutionRecord | undefined) => void = () =>
    undefined;

  constructor(entries: Iterable<readonly [string, ExecutionRecord]> = []) {
    for (const [id, record] of entries) this.map.set(id, record);
  }
  get(id: string): ExecutionRecord | undefined {
    return this.map.get(id);
  }
  put(id: string, record: ExecutionRecord): void {
    const before = this.map.get(id);
    this.map.set(id, record);
    this.touched.add(id);
    this.#listener(id, before, record);
  }
  remove(id: string): void {
    const before = this.map.get(id);
    this.map.delete(id);
    this.touched.add(id);
    this.#listener(id, before, undefined);
  }
  entries(): Iterable<readonly [string, ExecutionRecord]> {
    return this.map.entries();
  }
  onChange(
    listener: (id: string, before: ExecutionRecord | undefined, after: ExecutionRecord | undefined) => void,
  ): void {
    this.#listener = listener;
  }
  /** What a commit would write now. */
  flush(): void {
    for (const id of this.touched) {
      this.written++;
      this.bytesWritten += JSON.stringify(this.map.get(id) ?? null).length;
    }
    this.touched.clear();
  }
}

export const INLINE: Readonly<Record<string, InlineTask>> = {
  'core.debug.Return': ({ format }) => ({ outputs: format === undefined ? {} : { value: String(format) } }),
  'core.log.Log': ({ message }) => ({ logs: [{ level: 'INFO', message: String(message) }] }),
  'core.execution.Fail': ({ errorMessage }) => ({ error: String(errorMessage ?? 'Task failure') }),
};

type Lists = 'tasks' | 'errors' | 'finally' | 'afterExecution' | 'listeners' | 'sla';
/** A flow as a test writes it: tasks are plain maps, checked by nobody. */
export type WrittenFlow = Partial<Omit<FlowSource, Lists | 'listeners' | 'sla'>> &
  Partial<Record<'listeners' | 'sla', readonly PlainObject[]>> &
  Partial<Record<Exclude<Lists, 'tasks'>, readonly PlainObject[]>> & { readonly tasks: readonly PlainObject[] };

export const aFlow = (definition: WrittenFlow): Flow => ({
  tenant: 'main',
  namespace: 'test',
  id: 'flow',
  revision: 1,
  source: '',
  definition: { id: 'flow', namespace: 'test', ...definition } as unknown as FlowSource,
  deleted: false,
  updated: 0,
});

/** One execution with a queue of jobs, a virtual clock and a worker whose answers the test gives. */
export class Harness {
  readonly records = new MemoryRecords();
  state = new ExecutionState(this.records);
  readonly facts: Fact[] = [];
  readonly effects: Effect[] = [];
  readonly jobs: Job[] = [];
  /** Executions that were started and have not answered. */
  readonly children: (ParentTaskRun & { readonly childId: string })[] = [];
  /** Instances that are known to be lost. */
  readonly gone = new Set<string>();
  readonly plan;
  now = 1_000_000;
  steps = 0;
  /** Task runs running at a time, the most seen. */
  #tokens = 0;

  constructor(
    readonly flow: Flow,
    readonly inputs: PlainObject = {},
    readonly limits = DEFAULT_LIMITS,
    sources: PlanSources = {},
  ) {
    this.plan = planFlow(flow, taskTypeCatalog(ENGINE_TASKS), sources);
  }

  get context(): ExecutionContext {
    return {
      now: this.now,
      flow: this.plan,
      inlineTask: (type) => INLINE[type],
      serverVariables: {},
      timeZone: 'UTC',
      isLost: (instance) => this.gone.has(instance),
      limits: this.limits,
    };
  }

  requested(): ExecutionEvent {
    const { tenant, namespace, id: flowId, revision: flowRevision } = this.flow;
    return {
      kind: 'execution-requested',
      created: {
        kind: 'created',
        tenant,
        executionId: 'E',
        namespace,
        flowId,
        flowRevision,
        inputs: this.inputs,
        originalId: 'E',
      },
      variables: this.flow.definition.variables ?? {},
      labels: [],
      at: this.now,
    };
  }

  start(): this {
    return this.send(this.requested());
  }

  /** Decides an event and all that follows from it, depth first, as the queue's shell does. */
  send(event: Input | { readonly kind: 'wake' }): this {
    this.decide([event], Infinity);
    return this;
  }

  /** Decides at most `steps` steps; answers what is left of them, as a continuation would carry it. */
  decide(pending: (Input | { readonly kind: 'wake' })[], steps: number): Input[] {
    for (let step = 0; pending.length > 0 && step < steps; step++) {
      const input = pending.shift();
      if (!input) break;
      this.steps++;
      let outcome;
      try {
        outcome = decide(this.state, input, this.context);
        this.apply(outcome.facts);
      } catch (error) {
        outcome = failed(this.state, input, error as Error, this.context);
        this.apply(outcome.facts);
      }
      this.effects.push(...outcome.effects);
      for (const effect of outcome.effects) this.#carryOut(effect);
      pending.unshift(...outcome.next);
    }
    this.records.flush();
    return JSON.parse(JSON.stringify(pending)) as Input[];
  }

  apply(facts: readonly Fact[]): void {
    for (const fact of facts) {
      evolve(this.state, fact);
      this.facts.push(fact);
    }
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'submit-job') this.jobs.push(effect.job);
    if (effect.kind === 'send-event') this.#carryOutForChild(effect.event);
    if (effect.kind === 'cancel-job') {
      const at = this.jobs.findIndex((job) => `${job.tenant}/${job.taskRunId}/${job.attempt}` === effect.key);
      if (at >= 0) this.jobs.splice(at, 1);
    }
  }

  /** An execution that this one started; it answers when the test says so. */
  #carryOutForChild(event: ExecutionEvent): void {
    if (event.kind === 'execution-wanted' || (event.kind === 'operation-requested' && event.parent)) {
      const { parent, executionId: childId } = event;
      if (parent) this.children.push({ ...parent, childId });
    }
    if (event.kind !== 'kill-requested') return;
    const at = this.children.findIndex(({ childId }) => childId === event.executionId);
    if (at >= 0) this.children.splice(at, 1);
  }

  /** The first of the executions that were started ends. */
  childEnds(state: State): this {
    const child = this.children.shift();
    if (!child) throw new Error('No execution was started');
    const { taskRunId, waits, childId, index } = child;
    return this.send({
      kind: 'child-execution-ended',
      tenant: 'main',
      executionId: 'E',
      taskRunId,
      ...(index === undefined ? {} : { index }),
      childId,
      state: waits ? state : 'CREATED',
      at: this.now,
    });
  }

  /** A worker takes the oldest job (of a task). */
  claim(taskId?: string, instance = 'worker-1'): { job: Job; token: string; instance: string } {
    const at = this.jobs.findIndex((job) => taskId === undefined || job.task.id === taskId);
    const [job] = at >= 0 ? this.jobs.splice(at, 1) : [];
    if (!job) throw new Error(`No job of ${taskId ?? 'any task'} is waiting`);
    const token = `token-${++this.#tokens}`;
    this.send(claimOf(job, token, instance, this.now));
    return { job, token, instance };
  }

  answer({ job, token, instance }: { job: Job; token: string; instance: string }, outcome: JobOutcome): this {
    return this.send(resultOf(job, token, instance, outcome, this.now));
  }

  /** Claims and answers every job, lets executions that were started succeed, and time pass, until nothing is left to do. */
  finish(outcome: (job: Job) => JobOutcome = () => ({ state: 'SUCCESS' })): this {
    for (;;) {
      if (this.jobs.length > 0) {
        const claim = this.claim();
        this.answer(claim, outcome(claim.job));
      } else if (this.children.length > 0) this.childEnds('SUCCESS');
      else if (this.state.dueAt !== undefined) {
        this.now = Math.max(this.now, this.state.dueAt);
        this.send({ kind: 'wake' });
      } else return this;
    }
  }

  get runs(): TaskRun[] {
    return [...this.records.map.values()]
      .filter((record): record is TaskRun => record.kind === 'task-run')
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** `task[value]:STATE` in the order of creation. */
  get story(): string {
    return this.runs
      .map(({ taskId, value, state }) => `${taskId}${value === undefined ? '' : `[${value}]`}:${state}`)
      .join(' ');
  }

  get executionState(): string {
    return this.state.head.state;
  }

  run(taskId: string, value?: string): TaskRun {
    const found = this.runs.find((run) => run.taskId === taskId && (value === undefined || run.value === value));
    if (!found) throw new Error(`No task run of '${taskId}': ${this.story}`);
    return found;
  }

  get logs(): LogEntry[] {
    return this.effects.flatMap((effect) => (effect.kind === 'write-log' ? [effect.entry] : []));
  }
}

export const claimOf = (job: Job, token: string, instance: string, at: number): ExecutionEvent => ({
  kind: 'job-claimed',
  tenant: job.tenant,
  executionId: job.executionId,
  taskRunId: job.taskRunId,
  attempt: job.attempt,
  token,
  instance,
  at,
});

export const resultOf = (
  job: Job,
  token: string,
  instance: string,
  outcome: JobOutcome,
  at: number,
): ExecutionEvent => ({
  kind: 'job-ended',
  tenant: job.tenant,
  executionId: job.executionId,
  taskRunId: job.taskRunId,
  attempt: job.attempt,
  token,
  instance,
  outcome,
  at,
});

// ── tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export const log = (id: string, more: PlainObject = {}): PlainObject => ({
  id,
  type: 'core.log.Log',
  message: id,
  ...more,
});
export const returns = (id: string, format: string, more: PlainObject = {}): PlainObject => ({
  id,
  type: 'core.debug.Return',
  format,
  ...more,
});
export const fails = (id: string, more: PlainObject = {}): PlainObject => ({
  id,
  type: 'core.execution.Fail',
  ...more,
});
/** A task for a worker. */
export const works = (id: string, more: PlainObject = {}): PlainObject => ({
  id,
  type: 'core.flow.Sleep',
  duration: 'PT1S',
  ...more,
});
export const block = (
  type: string,
  id: string,
  tasks: readonly PlainObject[],
  more: PlainObject = {},
): PlainObject => ({
  id,
  type: `core.flow.${type}`,
  tasks,
  ...more,
});
