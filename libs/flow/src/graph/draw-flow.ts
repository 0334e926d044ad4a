import {
  isPlainObject,
  shortType,
  type FlowSource,
  type PlainObject,
  type TaskDefinition,
  type TaskTypeCatalog,
  type TaskTypeDescription,
} from '@millrace/model';
import { childSlots } from '../schema/task-slots.js';
import { isTemplate } from '../templates.js';
import {
  GraphDrawing,
  NODE_TYPES,
  type Entry,
  type FlowGraph,
  type Relation,
  type RelationType,
} from './flow-graph.js';

/** What drawing a flow needs to know. */
export interface GraphOptions {
  readonly catalog: TaskTypeCatalog;
  /** Uids of the subflow tasks that are drawn with the flow that they start. */
  readonly subflows?: ReadonlySet<string>;
  /** A flow of the same tenant that may be seen; the latest revision when none is named. */
  readonly findFlow?: (namespace: string, flowId: string, revision: number | undefined) => FlowSource | undefined;
}

/**
 * The graph of a valid flow, in time linear in its tasks. Pure.
 * @throws GraphTooLargeError when subflows make it too large
 */
export function flowGraph(flow: FlowSource, options: GraphOptions): FlowGraph {
  const artist = new Artist(options);
  artist.flow(flow, 'root', []);
  return artist.drawing.result();
}

const SEQUENTIAL: Relation = { relationType: 'SEQUENTIAL' };
const from = (source: string, relation: Relation = SEQUENTIAL): Entry => ({ source, relation });

/** How the children of a task type hang on it when it is not one after the other. */
const CHILDREN: Readonly<Record<string, RelationType>> = {
  'core.flow.Parallel': 'PARALLEL',
  'core.flow.EachParallel': 'PARALLEL',
  'core.flow.Dag': 'PARALLEL',
  'core.flow.ForEach': 'DYNAMIC',
  'core.flow.EachSequential': 'DYNAMIC',
  'core.flow.LoopUntil': 'DYNAMIC',
};

/** Side by side, each hanging on the task itself. */
const SIDE_BY_SIDE = new Set(['core.flow.Parallel', 'core.flow.EachParallel']);
/** Each branch hangs on the task itself, and exactly one is taken. */
const CHOICES = new Set(['core.flow.If', 'core.flow.Switch']);
const SUBFLOWS = new Set(['core.flow.Subflow']);
const ITEMS = 'core.flow.ForEachItem';

/** The tasks of one list of a task: `errors`, or the case `rome` of a Switch. */
interface Branch {
  readonly name: string;
  readonly tasks: readonly TaskDefinition[];
}

class Artist {
  readonly drawing = new GraphDrawing();

  constructor(private readonly options: GraphOptions) {}

  /** @returns the last node of the flow */
  flow(flow: FlowSource, prefix: string, entries: readonly Entry[], taskNode?: string): string {
    const triggered = this.triggers(flow, prefix);
    return this.drawing.cluster(
      prefix === 'root' ? 'root' : `cluster_${prefix}`,
      [...entries, ...triggered],
      (start) => {
        const errors = this.errors(flow.errors, start, prefix);
        const ended = [...this.sequence(flow.tasks, [from(start)], prefix), ...errors];
        const exits = this.finally(flow.finally, ended, `${prefix}.finally`, prefix);
        const listened = (flow.listeners ?? []).flatMap(({ tasks }) => tasks);
        const after = [...listened, ...(flow.afterExecution ?? [])];
        if (after.length === 0) return exits;
        const node = this.drawing.node({ uid: `${prefix}.afterExecution`, type: NODE_TYPES.afterExecution }, exits);
        return this.sequence(after, [from(node, { relationType: 'AFTER_EXECUTION' })], prefix);
      },
      taskNode,
    );
  }

  private triggers({ triggers = [] }: FlowSource, prefix: string): readonly Entry[] {
    if (triggers.length === 0 || prefix !== 'root') return [];
    const end = this.drawing.cluster(`${prefix}.triggers`, [], (start) =>
      triggers.map((trigger) => {
        const declaration: PlainObject = { ...trigger };
        const node = { uid: `${prefix}.triggers.${trigger.id}`, type: NODE_TYPES.trigger } as const;
        return from(
          this.drawing.node({ ...node, triggerDeclaration: declaration, trigger: declaration }, [from(start)]),
        );
      }),
    );
    return [from(end)];
  }

  /** @returns what the next node hangs on */
  private sequence(tasks: readonly TaskDefinition[], entries: readonly Entry[], prefix: string): readonly Entry[] {
    let exits = entries;
    for (const task of tasks) exits = [from(this.task(task, exits, prefix))];
    return exits;
  }

  private errors(tasks: unknown, source: string, prefix: string): readonly Entry[] {
    const list = asTasks(tasks);
    return list.length === 0 ? [] : this.sequence(list, [from(source, { relationType: 'ERROR' })], prefix);
  }

  private finally(tasks: unknown, exits: readonly Entry[], uid: string, prefix: string): readonly Entry[] {
    const list = asTasks(tasks);
    if (list.length === 0) return exits;
    const node = this.drawing.node({ uid, type: NODE_TYPES.finally }, exits);
    return this.sequence(list, [from(node, { relationType: 'FINALLY' })], prefix);
  }

  /** @returns the node through which the task is left */
  private task(task: TaskDefinition, entries: readonly Entry[], prefix: string): string {
    const description = this.options.catalog.find(task.type);
    const type = description?.type ?? shortType(task.type);
    const uid = `${prefix}.${task.id}`;
    if (SUBFLOWS.has(type)) return this.subflow(task, uid, entries);
    if (type === ITEMS) return this.items(task, uid, entries, description, prefix);
    const branches = branchesOf(task, description);
    if (branches.length === 0) return this.drawing.node({ uid, type: NODE_TYPES.task, task }, entries);
    this.drawing.flowable(task.id);
    return this.drawing.cluster(
      `cluster_${uid}`,
      entries,
      (start) => {
        const own = withoutChildren(task, description);
        const node = this.drawing.node({ uid, type: NODE_TYPES.task, task: own }, [from(start)]);
        const errors = this.errors(task['errors'], node, prefix);
        const exits = [...this.children(task, type, branches, node, prefix), ...errors];
        return this.finally(task['finally'], exits, `${uid}.finally`, prefix);
      },
      uid,
    );
  }

  private children(
    task: TaskDefinition,
    type: string,
    branches: readonly Branch[],
    node: string,
    prefix: string,
  ): readonly Entry[] {
    if (type === 'core.flow.Dag') return this.dag(task, node, prefix);
    const relationType = CHILDREN[type] ?? 'SEQUENTIAL';
    const exits = branches
      .filter(({ name }) => name !== 'errors' && name !== 'finally')
      .flatMap(({ name, tasks }) => {
        if (tasks.length === 0) return [];
        if (CHOICES.has(type)) {
          return this.sequence(tasks, [from(node, { relationType: 'CHOICE', value: name })], prefix);
        }
        if (!SIDE_BY_SIDE.has(type)) return this.sequence(tasks, [from(node, { relationType })], prefix);
        return tasks.map((child) => from(this.task(child, [from(node, { relationType })], prefix)));
      });
    return exits.length === 0 ? [from(node)] : exits;
  }

  /** Each task after those that it depends on. The catalog's check has made sure that there is no circle. */
  private dag(dag: TaskDefinition, node: string, prefix: string): readonly Entry[] {
    const items = (Array.isArray(dag['tasks']) ? dag['tasks'] : []).flatMap((item: unknown) => {
      const [task] = isPlainObject(item) ? asTasks([item['task']]) : [];
      if (task === undefined || !isPlainObject(item)) return [];
      const dependsOn = Array.isArray(item['dependsOn']) ? item['dependsOn'] : [];
      return [{ task, dependsOn: dependsOn.filter((id) => typeof id === 'string') }];
    });
    const entered = new Map<string, { enter: string; leave: string }>();
    for (const { task, dependsOn } of items) {
      const entries = dependsOn.length === 0 ? [from(node, { relationType: 'PARALLEL' })] : [];
      const leave = this.task(task, entries, prefix);
      const uid = `${prefix}.${task.id}`;
      entered.set(task.id, { leave, enter: leave === uid ? uid : `cluster_${uid}.start` });
    }
    const awaited = new Set<string>();
    for (const { task, dependsOn } of items) {
      const own = entered.get(task.id);
      for (const id of dependsOn) {
        const before = entered.get(id);
        if (before === undefined || own === undefined) continue;
        awaited.add(id);
        this.drawing.connect([from(before.leave)], own.enter);
      }
    }
    return items.flatMap(({ task }) => {
      const own = entered.get(task.id);
      return own === undefined || awaited.has(task.id) ? [] : [from(own.leave)];
    });
  }

  private subflow(task: TaskDefinition, uid: string, entries: readonly Entry[]): string {
    const executableTask = targetOf(task);
    const { namespace, flowId, revision } = executableTask;
    const found =
      this.options.subflows?.has(uid) === true && namespace !== undefined && flowId !== undefined
        ? this.options.findFlow?.(namespace, flowId, revision)
        : undefined;
    if (found === undefined) {
      return this.drawing.node({ uid, type: NODE_TYPES.subflow, task, executableTask }, entries);
    }
    return this.flow(found, uid, entries, uid);
  }

  /** A ForEachItem is drawn as the three tasks that it makes of itself. */
  private items(
    task: TaskDefinition,
    uid: string,
    entries: readonly Entry[],
    description: TaskTypeDescription | undefined,
    prefix: string,
  ): string {
    this.drawing.flowable(task.id);
    const part = (suffix: string): TaskDefinition => ({ id: `${task.id}_${suffix}`, type: task.type });
    return this.drawing.cluster(
      `cluster_${uid}`,
      entries,
      (start) => {
        const own = withoutChildren(task, description);
        const node = this.drawing.node({ uid, type: NODE_TYPES.task, task: own }, [from(start)]);
        const split = this.drawing.node({ uid: `${uid}_split`, type: NODE_TYPES.task, task: part('split') }, [
          from(node, { relationType: 'DYNAMIC' }),
        ]);
        const items = { ...targetOf(task), ...part('items') };
        const each = this.subflow(items, `${uid}_items`, [from(split)]);
        const merge = this.drawing.node({ uid: `${uid}_merge`, type: NODE_TYPES.task, task: part('merge') }, [
          from(each),
        ]);
        const exits = [from(merge), ...this.errors(task['errors'], node, prefix)];
        return this.finally(task['finally'], exits, `${uid}.finally`, prefix);
      },
      uid,
    );
  }
}

function targetOf(task: TaskDefinition): { namespace?: string; flowId?: string; revision?: number } {
  const { namespace, flowId, revision } = task;
  return {
    ...(typeof namespace === 'string' && !isTemplate(namespace) ? { namespace } : {}),
    ...(typeof flowId === 'string' && !isTemplate(flowId) ? { flowId } : {}),
    ...(typeof revision === 'number' ? { revision } : {}),
  };
}

/** The lists of tasks directly inside a task, in the order of its schema, those of a map by their names. */
function branchesOf(task: TaskDefinition, description: TaskTypeDescription | undefined): readonly Branch[] {
  if (description === undefined) return [];
  const branches = new Map<string, TaskDefinition[]>();
  for (const { path, value } of childSlots(description.schema, task)) {
    const [child] = asTasks([value]);
    if (child === undefined) continue;
    const [property, key] = path;
    const name = String(typeof key === 'string' && property === 'cases' ? key : property);
    const known = branches.get(name);
    if (known === undefined) branches.set(name, [child]);
    else known.push(child);
  }
  return [...branches].map(([name, tasks]) => ({ name, tasks }));
}

function withoutChildren(task: TaskDefinition, description: TaskTypeDescription | undefined): TaskDefinition {
  if (description === undefined) return task;
  const holders = new Set(childSlots(description.schema, task).map(({ path }) => path[0]));
  const kept = Object.fromEntries(Object.entries(task).filter(([name]) => !holders.has(name)));
  return { ...kept, id: task.id, type: task.type };
}

const asTasks = (list: unknown): readonly TaskDefinition[] =>
  Array.isArray(list) ? list.filter((item): item is TaskDefinition => isTask(item)) : [];

const isTask = (item: unknown): item is TaskDefinition =>
  isPlainObject(item) && typeof item['id'] === 'string' && typeof item['type'] === 'string';
