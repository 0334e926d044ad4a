import { effectiveTask } from '@millrace/flow';
import {
  SECTIONS,
  shortType,
  type Flow,
  type FlowSource,
  type LogLevel,
  type Output,
  type PlainObject,
  type PluginDefault,
  type Retry,
  type Section,
  type TaskDefinition,
  type TaskTypeCatalog,
} from '@millrace/model';
import { planDag, type DagPlan } from './tasks/dag-plan.js';
import { FLOWABLES } from './tasks/flowables.js';

/** The lists of tasks that an owner (the flow, or a task with children) may run; disabled tasks are left out. */
export type Lists = Readonly<Record<Section, readonly TaskPlan[]>>;

/** A task as the executor sees it: typed, defaults applied, its place and its children resolved. Immutable. */
export interface TaskPlan {
  readonly id: string;
  /** Short form of the type. */
  readonly type: string;
  readonly definition: TaskDefinition;
  /** undefined for a task of the flow itself. */
  readonly parent: TaskPlan | undefined;
  readonly section: Section;
  /** Children by list; empty for runnable tasks. */
  readonly lists: Lists;
  /** Branches that are taken by name (`then`, `else`, the cases and `defaults` of a Switch). */
  readonly branches: ReadonlyMap<string, readonly TaskPlan[]>;
  /** Own retry, else the nearest ancestor's, else the flow's (spec executions.md §6). */
  readonly retry: Retry | undefined;
  readonly allowFailure: boolean;
  readonly allowWarning: boolean;
  /** Of a Dag. */
  readonly dag?: DagPlan;
  /** Why it cannot run: found when the flow was planned. */
  readonly fault?: string;
  readonly logLevel: LogLevel;
}

/** The tasks of a listener, and what must hold for them to run. */
export interface ListenerPlan {
  readonly conditions: readonly unknown[];
  readonly tasks: readonly TaskPlan[];
}

/** A named list of tasks outside of flows. */
export type TemplateSource = Pick<FlowSource, 'tasks' | 'errors' | 'finally'>;

/** A revision of a flow, ready to run. */
export interface FlowPlan {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly revision: number;
  readonly lists: Lists;
  readonly tasks: ReadonlyMap<string, TaskPlan>;
  readonly listeners: readonly ListenerPlan[];
  readonly outputs: readonly Output[];
  readonly variables: PlainObject;
  /** The whole flow as it was written, with current names. */
  readonly definition: FlowSource;
  readonly deleted: boolean;
}

/** No tasks. */
export const NO_LISTS: Lists = { tasks: [], errors: [], finally: [], listeners: [], afterExecution: [] };

/** Templates inside templates, at most. */
const TEMPLATE_DEPTH_MAX = 10;

/** What a plan is made of besides the flow. */
export interface PlanSources {
  /** `plugins.defaults` of the configuration. */
  readonly globalDefaults?: readonly PluginDefault[];
  /** The template of a namespace and id; absent: templates are not allowed here. */
  readonly templates?: (namespace: string, id: string) => TemplateSource | undefined;
}

/** Compiles a stored flow. Reads it leniently: what was accepted when it was saved must still run (spec flow.md).
 */
export function planFlow(flow: Flow, catalog: TaskTypeCatalog, sources: PlanSources = {}): FlowPlan {
  const { definition } = flow;
  const planner = new Planner(catalog, definition, sources);
  const lists = { ...NO_LISTS };
  for (const name of SECTIONS) lists[name] = planner.list(definition[name], name, undefined, definition.retry);
  const listeners = (definition.listeners ?? []).map(({ conditions, tasks }) => ({
    conditions: Array.isArray(conditions) ? conditions : [],
    tasks: planner.list(tasks, 'listeners', undefined, definition.retry),
  }));
  return {
    tenant: flow.tenant,
    namespace: flow.namespace,
    flowId: flow.id,
    revision: flow.revision,
    lists,
    tasks: planner.tasks,
    listeners,
    outputs: definition.outputs ?? [],
    variables: definition.variables ?? {},
    definition,
    deleted: flow.deleted,
  };
}

class Planner {
  readonly tasks = new Map<string, TaskPlan>();
  readonly #catalog: TaskTypeCatalog;
  readonly #defaults: readonly (readonly PluginDefault[])[];
  readonly #templates: PlanSources['templates'];

  constructor(
    catalog: TaskTypeCatalog,
    { pluginDefaults, taskDefaults }: FlowSource,
    { globalDefaults = [], templates }: PlanSources,
  ) {
    this.#catalog = catalog;
    this.#defaults = [pluginDefaults ?? taskDefaults ?? [], globalDefaults];
    this.#templates = templates;
  }

  list(written: unknown, section: Section, parent: TaskPlan | undefined, retry: Retry | undefined): TaskPlan[] {
    return asTasks(written)
      .map((task) => effectiveTask(task, this.#defaults, this.#catalog))
      .filter((task) => task.disabled !== true)
      .map((task) => this.#task(task, section, parent, retry));
  }

  #task(
    written: TaskDefinition,
    section: Section,
    parent: TaskPlan | undefined,
    inherited: Retry | undefined,
  ): TaskPlan {
    const type = this.#catalog.find(written.type)?.type ?? shortType(written.type);
    const lists = { ...NO_LISTS };
    const branches = new Map<string, readonly TaskPlan[]>();
    const plan: Mutable<TaskPlan> = {
      id: written.id,
      type,
      definition: written,
      parent,
      section,
      lists,
      branches,
      retry: written.retry ?? inherited,
      allowFailure: written.allowFailure === true || type === 'core.flow.AllowFailure',
      allowWarning: written.allowWarning === true,
      logLevel: written.logLevel ?? 'TRACE',
    };
    this.tasks.set(plan.id, plan);
    const flowable = FLOWABLES.get(type);
    if (!flowable) return plan;
    const template = type === 'core.flow.Template' ? this.#template(plan) : undefined;
    if (typeof template === 'string') plan.fault = template;
    const source = typeof template === 'object' ? { ...template, ...onlyGiven(written) } : written;
    const tasks = flowable.children?.(written) ?? source.tasks;
    for (const [name, list] of [
      ['tasks', tasks],
      ['errors', source.errors],
      ['finally', source.finally],
    ] as const) {
      lists[name] = this.list(list, name, plan, plan.retry);
    }
    const own = flowable.tasks?.(written);
    if (own) lists.tasks = own.map((task) => this.#task(task, 'tasks', plan, plan.retry));
    for (const [name, branch] of flowable.branches?.(written) ?? []) {
      branches.set(name, this.list(branch, 'tasks', plan, plan.retry));
    }
    if (type === 'core.flow.Dag') plan.dag = planDag(plan.id, written['tasks'], lists.tasks);
    return plan;
  }

  /** The template of a task, or why there is none. */
  #template({ id, definition, parent }: TaskPlan): TemplateSource | string {
    const [namespace, templateId] = [String(definition['namespace']), String(definition['templateId'])];
    if (!this.#templates) return `Templates are not enabled on this installation: use a Subflow instead of '${id}'.`;
    let depth = 0;
    for (let at = parent; at; at = at.parent) if (at.type === 'core.flow.Template') depth++;
    if (depth >= TEMPLATE_DEPTH_MAX) return `More than ${TEMPLATE_DEPTH_MAX} templates inside each other, at '${id}'.`;
    return (
      this.#templates(namespace, templateId) ??
      `There is no template '${templateId}' in namespace '${namespace}': create it, or correct '${id}'.`
    );
  }
}

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

/** The lists that a Template task has of its own; they win over those of the template. */
const onlyGiven = ({ errors, finally: last }: TaskDefinition): Partial<Record<'errors' | 'finally', unknown>> => ({
  ...(errors === undefined ? {} : { errors }),
  ...(last === undefined ? {} : { finally: last }),
});

const asTasks = (written: unknown): readonly TaskDefinition[] => (Array.isArray(written) ? written : []);
