import { ERROR_LOGS_VARIABLE, LazyMap, type Variables } from '@millrace/expression';
import { withLateDefaults } from '@millrace/flow';
import { findTriggerType, isoDate, type PlainObject, type TaskRun } from '@millrace/model';
import type { FlowPlan, TaskPlan } from './plan.js';
import type { ExecutionView, RunsByValue } from './state.js';

/** The task run for which something is rendered; it may be about to be created. */
export interface Subject {
  readonly task: TaskPlan;
  readonly run: Pick<TaskRun, 'id' | 'parentId' | 'value' | 'iteration'> & {
    readonly startedAt: number;
    /** The URI of the item for which an execution is started. */
    readonly item?: string;
  };
  /** Attempts before this one. */
  readonly attempts: number;
}

/**
 * The variables of an execution (spec expressions.md §2), each made when it is read: a template that names one output
 * costs one look-up, however many task runs there are.
 */
export class ExecutionVariables implements Variables {
  readonly #view: ExecutionView;
  readonly #flow: FlowPlan;
  readonly #subject: Subject | undefined;
  readonly #server: PlainObject;

  constructor(view: ExecutionView, flow: FlowPlan, server: PlainObject, subject?: Subject) {
    this.#view = view;
    this.#flow = flow;
    this.#server = server;
    this.#subject = subject;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *names(): Iterable<string> {
    for (const name of NAMES) if (this.has(name)) yield name;
    yield* Object.keys(this.#server);
  }

  get(name: string): unknown {
    switch (name) {
      case 'flow': {
        const { flowId: id, namespace, revision, tenant: tenantId } = this.#flow;
        return { id, namespace, revision, tenantId };
      }
      case 'execution':
        return this.#execution();
      case 'task':
        return this.#subject && { id: this.#subject.task.id, type: this.#subject.task.definition.type };
      case 'taskrun':
        return this.#taskrun();
      case 'parent':
        return this.#parents()?.[0];
      case 'parents':
        return this.#parents();
      case 'outputs':
        return new TaskLookup(this.#view, outputsOf);
      case 'tasks':
        return new TaskLookup(this.#view, (run) => ({ state: run.state }));
      case ERROR_LOGS_VARIABLE:
        return errorLogs(this.#view);
      case 'inputs':
        return this.#inputs();
      case 'vars':
        return this.#view.variables.variables;
      case 'labels':
        return nested(this.#view.head.labels);
      case 'trigger':
        return this.#view.created.trigger?.variables;
      case 'schedule':
        return isSchedule(this.#view.created.trigger?.type) ? this.#view.created.trigger?.variables : undefined;
      default:
        return Object.hasOwn(this.#server, name) ? this.#server[name] : undefined;
    }
  }

  #execution(): PlainObject {
    const { executionId: id, state, histories, originalId, outputs } = this.#view.head;
    return {
      id,
      state,
      startDate: isoDate(histories[0]?.date ?? 0),
      originalId,
      ...(outputs === undefined ? {} : { outputs }),
    };
  }

  /** Defaults of inputs that the execution does not have are rendered as of its start, so that they never change. */
  #inputs(): PlainObject {
    const { created, head, variables } = this.#view;
    const environment = { now: head.histories[0]?.date ?? 0, random: () => 0, timeZone: 'UTC', refusesEncrypted: true };
    return withLateDefaults(this.#flow.definition, created.inputs, environment, { vars: variables.variables });
  }

  #taskrun(): PlainObject | undefined {
    if (!this.#subject) return undefined;
    const { run, attempts } = this.#subject;
    return {
      id: run.id,
      startDate: isoDate(run.startedAt),
      attemptsCount: attempts,
      ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
      ...(run.value === undefined ? {} : { value: run.value }),
      ...(run.iteration === undefined ? {} : { iteration: run.iteration }),
      ...(run.item === undefined ? {} : { items: run.item }),
    };
  }

  /** Nearest first; only those with a value or outputs. */
  #parents(): readonly PlainObject[] | undefined {
    const parents: PlainObject[] = [];
    let id = this.#subject?.run.parentId;
    while (id !== undefined) {
      const run = this.#view.run(id);
      if (run && (run.value !== undefined || run.outputs !== undefined)) {
        parents.push({
          ...(run.value === undefined ? {} : { taskrun: { value: run.value } }),
          ...(run.outputs === undefined ? {} : { outputs: run.outputs }),
        });
      }
      id = run?.parentId;
    }
    return parents.length > 0 ? parents : undefined;
  }
}

const NAMES = [
  'flow',
  'execution',
  'task',
  'taskrun',
  'parent',
  'parents',
  'outputs',
  'tasks',
  'inputs',
  'vars',
  'labels',
  'trigger',
  'schedule',
];

const isSchedule = (type: string | undefined): boolean =>
  type !== undefined && findTriggerType(type)?.kind === 'schedule';

/** The latest errors, oldest first, as `errorLogs()` gives them. */
const errorLogs = ({ errors }: ExecutionView): readonly PlainObject[] =>
  errors.map(({ timestamp, ...entry }) => ({ ...entry, timestamp: isoDate(timestamp), level: 'ERROR' }));

const outputsOf = (run: TaskRun): PlainObject | undefined => run.outputs;

/** `outputs` or `tasks`: by task id, then by loop value. */
class TaskLookup extends LazyMap {
  constructor(
    readonly view: ExecutionView,
    readonly show: (run: TaskRun) => PlainObject | undefined,
  ) {
    super();
  }

  get(taskId: string): unknown {
    const runs = this.view.runsOf(taskId);
    return runs && shown(this.view, runs, this.show);
  }

  has(taskId: string): boolean {
    return this.get(taskId) !== undefined;
  }

  *keys(): Iterable<string> {
    for (const taskId of this.view.taskIds()) if (this.has(taskId)) yield taskId;
  }
}

/** The task runs of one task, by the next loop value. */
class ValueLookup extends LazyMap {
  constructor(
    readonly view: ExecutionView,
    readonly inner: ReadonlyMap<string, RunsByValue>,
    readonly show: (run: TaskRun) => PlainObject | undefined,
  ) {
    super();
  }

  get(value: string): unknown {
    const runs = this.inner.get(value);
    return runs && shown(this.view, runs, this.show);
  }

  has(value: string): boolean {
    return this.get(value) !== undefined;
  }

  *keys(): Iterable<string> {
    for (const value of this.inner.keys()) if (this.has(value)) yield value;
  }
}

function shown(view: ExecutionView, runs: RunsByValue, show: (run: TaskRun) => PlainObject | undefined): unknown {
  if (runs.taskRunId !== undefined) {
    const run = view.run(runs.taskRunId);
    return run && show(run);
  }
  return runs.inner && runs.inner.size > 0 ? new ValueLookup(view, runs.inner, show) : undefined;
}

/** Labels as a nested map: `a.b` is read as `labels.a.b` (spec flow.md §5). */
function nested(labels: readonly { readonly key: string; readonly value: string }[]): PlainObject {
  const root: Record<string, unknown> = {};
  for (const { key, value } of labels) {
    const path = key.split('.');
    const last = path.pop() ?? key;
    let at = root;
    for (const part of path) {
      const inner = at[part];
      if (typeof inner !== 'object' || inner === null) at[part] = {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return root;
}
