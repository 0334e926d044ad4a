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
  readonly logLevel: LogLevel;
}

/** A revision of a flow, ready to run. */
export interface FlowPlan {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly revision: number;
  readonly lists: Lists;
  readonly tasks: ReadonlyMap<string, TaskPlan>;
  readonly outputs: readonly Output[];
  readonly variables: PlainObject;
  /** The whole flow as it was written, with current names. */
  readonly definition: FlowSource;
  readonly deleted: boolean;
}

const NO_LISTS: Lists = { tasks: [], errors: [], finally: [], afterExecution: [] };

/**
 * Compiles a stored flow. Reads it leniently: what was accepted when it was saved must still run (spec flow.md).
 *
 * @param globalDefaults `plugins.defaults` of the configuration
 */
export function planFlow(
  flow: Flow,
  catalog: TaskTypeCatalog,
  globalDefaults: readonly PluginDefault[] = [],
): FlowPlan {
  const { definition } = flow;
  const defaults = [definition.pluginDefaults ?? definition.taskDefaults ?? [], globalDefaults];
  const tasks = new Map<string, TaskPlan>();

  const planList = (
    written: unknown,
    section: Section,
    parent: TaskPlan | undefined,
    retry: Retry | undefined,
  ): TaskPlan[] =>
    asTasks(written)
      .map((task) => effectiveTask(task, defaults, catalog))
      .filter((task) => task.disabled !== true)
      .map((task) => planTask(task, section, parent, retry));

  const planTask = (
    written: TaskDefinition,
    section: Section,
    parent: TaskPlan | undefined,
    inherited: Retry | undefined,
  ): TaskPlan => {
    const type = catalog.find(written.type)?.type ?? shortType(written.type);
    const lists = { ...NO_LISTS };
    const branches = new Map<string, readonly TaskPlan[]>();
    const plan: TaskPlan = {
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
    tasks.set(plan.id, plan);
    const flowable = FLOWABLES.get(type);
    if (flowable) {
      for (const name of SECTIONS) {
        if (name !== 'afterExecution') lists[name] = planList(written[name], name, plan, plan.retry);
      }
      for (const [name, branch] of flowable.branches?.(written) ?? []) {
        branches.set(name, planList(branch, 'tasks', plan, plan.retry));
      }
    }
    return plan;
  };

  const lists = { ...NO_LISTS };
  for (const name of SECTIONS) lists[name] = planList(definition[name], name, undefined, definition.retry);
  return {
    tenant: flow.tenant,
    namespace: flow.namespace,
    flowId: flow.id,
    revision: flow.revision,
    lists,
    tasks,
    outputs: definition.outputs ?? [],
    variables: definition.variables ?? {},
    definition,
    deleted: flow.deleted,
  };
}

const asTasks = (written: unknown): readonly TaskDefinition[] => (Array.isArray(written) ? written : []);
