import * as fc from 'fast-check';
import type { PlainObject } from '@millrace/model';

/** What a random task is made of; ids are given afterwards, in the order of the tree. */
type Shape =
  | { readonly kind: 'log' | 'fail'; readonly more: PlainObject }
  | { readonly kind: 'work'; readonly more: PlainObject }
  | {
      readonly kind: 'block';
      readonly type: string;
      readonly tasks: readonly Shape[];
      readonly errors: readonly Shape[];
      readonly finally: readonly Shape[];
      readonly more: PlainObject;
    }
  | {
      readonly kind: 'directory';
      readonly children: readonly PlainObject[];
      readonly errors: readonly Shape[];
      readonly finally: readonly Shape[];
      readonly more: PlainObject;
    }
  | { readonly kind: 'exit'; readonly state: string; readonly more: PlainObject }
  | { readonly kind: 'variables'; readonly more: PlainObject }
  | {
      readonly kind: 'dag';
      readonly tasks: readonly Shape[];
      readonly errors: readonly Shape[];
      readonly finally: readonly Shape[];
      /** For each task, of which ones before it it depends: a bit for each. */
      readonly edges: readonly number[];
      readonly concurrent: number;
    }
  | {
      readonly kind: 'loop';
      readonly tasks: readonly Shape[];
      readonly errors: readonly Shape[];
      readonly finally: readonly Shape[];
      readonly rounds: number;
      readonly more: PlainObject;
    }
  | {
      readonly kind: 'pause';
      readonly tasks: readonly Shape[];
      readonly errors: readonly Shape[];
      readonly finally: readonly Shape[];
      readonly told: boolean;
      readonly more: PlainObject;
    }
  | {
      readonly kind: 'if';
      readonly condition: boolean;
      readonly tasks: readonly Shape[];
      readonly otherwise: readonly Shape[];
    }
  | {
      readonly kind: 'switch';
      readonly value: string;
      readonly tasks: readonly Shape[];
      readonly otherwise: readonly Shape[];
    };

const flags = fc.record(
  {
    allowFailure: fc.boolean(),
    allowWarning: fc.boolean(),
    disabled: fc.boolean(),
    runIf: fc.constantFrom('{{ 1 < 2 }}', '{{ 1 > 2 }}', 'true'),
    retry: fc.record({
      type: fc.constant('constant'),
      interval: fc.constantFrom('PT0S', 'PT1S', 'PT30S'),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { requiredKeys: [] },
);
/** Most tasks are plain, so that flows come past their first task. */
const some = fc.oneof({ weight: 4, arbitrary: fc.constant<PlainObject>({}) }, { weight: 1, arbitrary: flags });

const { list } = fc.letrec<{ task: Shape; list: readonly Shape[]; maybe: readonly Shape[] }>((tie) => ({
  task: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'flow' },
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom<'log' | 'work'>('log', 'work', 'work'), more: some }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant<'fail'>('fail'), more: some }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant<'block'>('block'),
        type: fc.constantFrom('Sequential', 'Parallel', 'ForEach', 'AllowFailure', 'EachSequential', 'EachParallel'),
        tasks: tie('list'),
        errors: tie('maybe'),
        finally: tie('maybe'),
        more: fc.record({
          concurrent: fc.integer({ min: 0, max: 3 }),
          concurrencyLimit: fc.integer({ min: 0, max: 3 }),
          values: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 0, maxLength: 5 }),
        }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant<'directory'>('directory'),
        children: fc.array(
          fc.record(
            { allowFailure: fc.boolean(), allowWarning: fc.boolean(), disabled: fc.boolean() },
            { requiredKeys: [] },
          ),
          { minLength: 1, maxLength: 3 },
        ),
        errors: tie('maybe'),
        finally: tie('maybe'),
        more: some,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant<'exit'>('exit'),
        state: fc.constantFrom('SUCCESS', 'WARNING', 'FAILED', 'CANCELLED', 'KILLED'),
        more: some,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant<'variables'>('variables'), more: some }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant<'dag'>('dag'),
        tasks: tie('list'),
        errors: tie('maybe'),
        finally: tie('maybe'),
        edges: fc.array(fc.nat(15), { minLength: 4, maxLength: 4 }),
        concurrent: fc.integer({ min: 0, max: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant<'loop'>('loop'),
        tasks: tie('list'),
        errors: tie('maybe'),
        finally: tie('maybe'),
        rounds: fc.integer({ min: 1, max: 3 }),
        more: fc.record({
          failOnMaxReached: fc.boolean(),
          checkFrequency: fc.record({
            interval: fc.constantFrom('PT0S', 'PT1S'),
            maxIterations: fc.integer({ min: 1, max: 3 }),
          }),
        }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant<'pause'>('pause'),
        tasks: tie('maybe'),
        errors: tie('maybe'),
        finally: tie('maybe'),
        told: fc.boolean(),
        more: fc.record({
          pauseDuration: fc.constantFrom('PT0S', 'PT2S'),
          behavior: fc.constantFrom('RESUME', 'RESUME', 'WARN', 'FAIL'),
        }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant<'if'>('if'),
        condition: fc.boolean(),
        tasks: tie('list'),
        otherwise: tie('maybe'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant<'switch'>('switch'),
        value: fc.constantFrom('x', 'y'),
        tasks: tie('list'),
        otherwise: tie('list'),
      }),
    },
  ) as fc.Arbitrary<Shape>,
  list: fc.array(tie('task'), { minLength: 1, maxLength: 4, depthIdentifier: 'flow' }),
  maybe: fc.oneof({ weight: 3, arbitrary: fc.constant<readonly Shape[]>([]) }, { weight: 1, arbitrary: tie('list') }),
}));

/** The lists of a random flow over the task kinds of the engine; tasks for workers are of type `core.flow.Sleep`. */
export interface RandomFlow {
  readonly tasks: readonly PlainObject[];
  readonly errors?: readonly PlainObject[];
  readonly finally?: readonly PlainObject[];
  readonly afterExecution?: readonly PlainObject[];
}

const shapesOfFlow = fc.record({
  tasks: list,
  errors: fc.oneof(fc.constant([]), list),
  finally: fc.oneof(fc.constant([]), list),
  afterExecution: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: list }),
});

/**
 * Random flows, small ones first when a failing one is shrunk. An Exit stands only where nothing runs beside it, so that
 * what an execution comes to does not depend on who is faster.
 */
export const randomFlow: fc.Arbitrary<RandomFlow> = shapesOfFlow.map((shapes) => named(shapes, false));

/** Random flows with an Exit anywhere. */
export const randomFlowWithExits: fc.Arbitrary<RandomFlow> = shapesOfFlow.map((shapes) => named(shapes, true));

function named(
  shapes: Readonly<Record<'tasks' | 'errors' | 'finally' | 'afterExecution', readonly Shape[]>>,
  exitsAnywhere: boolean,
): RandomFlow {
  let count = 0;
  /** How many blocks that may run several tasks at a time are around. */
  let beside = 0;
  const tasksOf = (shapesOfList: readonly Shape[]): PlainObject[] => shapesOfList.map(taskOf);
  const lists = (shape: { readonly errors: readonly Shape[]; readonly finally: readonly Shape[] }): PlainObject => ({
    ...(shape.errors.length > 0 ? { errors: tasksOf(shape.errors) } : {}),
    ...(shape.finally.length > 0 ? { finally: tasksOf(shape.finally) } : {}),
  });
  const taskOf = (shape: Shape): PlainObject => {
    const id = `t${++count}`;
    const isWide =
      shape.kind === 'dag' ||
      shape.kind === 'pause' ||
      (shape.kind === 'block' && ['Parallel', 'ForEach', 'EachParallel'].includes(shape.type));
    beside += isWide ? 1 : 0;
    try {
      return written(shape, id);
    } finally {
      beside -= isWide ? 1 : 0;
    }
  };
  const written = (shape: Shape, id: string): PlainObject => {
    switch (shape.kind) {
      case 'log':
        return { id, type: 'core.log.Log', message: id, ...shape.more };
      case 'fail':
        return { id, type: 'core.execution.Fail', ...shape.more };
      case 'work':
        return { id, type: 'core.flow.Sleep', duration: 'PT1S', ...shape.more };
      case 'block': {
        const { concurrent, concurrencyLimit, values } = shape.more;
        const own: PlainObject = {
          ...(shape.type === 'Parallel' || shape.type === 'EachParallel' ? { concurrent } : {}),
          ...(shape.type === 'ForEach' ? { concurrencyLimit, values } : {}),
          ...(shape.type.startsWith('Each') ? { value: values } : {}),
        };
        return { id, type: `core.flow.${shape.type}`, ...own, tasks: tasksOf(shape.tasks), ...lists(shape) };
      }
      case 'directory': {
        const tasks = shape.children.map((more) => written({ kind: 'work', more }, `t${++count}`));
        return { id, type: 'core.flow.WorkingDirectory', ...shape.more, tasks, ...lists(shape) };
      }
      case 'exit':
        return beside === 0 || exitsAnywhere
          ? { id, type: 'core.execution.Exit', state: shape.state, ...shape.more }
          : { id, type: 'core.log.Log', message: id, ...shape.more };
      case 'variables':
        return { id, type: 'core.execution.SetVariables', variables: { [id]: id }, ...shape.more };
      case 'dag': {
        const { edges, concurrent } = shape;
        const tasks = tasksOf(shape.tasks);
        const entries = tasks.map((task, place) => ({
          task,
          dependsOn: tasks.slice(0, place).flatMap((one, bit) => ((edges[place] ?? 0) & (1 << bit) ? [one['id']] : [])),
        }));
        return { id, type: 'core.flow.Dag', concurrent, tasks: entries, ...lists(shape) };
      }
      case 'loop': {
        const condition = `{{ outputs.${id}.iterationCount >= ${shape.rounds} }}`;
        return {
          id,
          type: 'core.flow.LoopUntil',
          condition,
          ...shape.more,
          tasks: tasksOf(shape.tasks),
          ...lists(shape),
        };
      }
      case 'pause':
        return {
          id,
          type: 'core.flow.Pause',
          ...shape.more,
          ...(shape.told ? { onPause: taskOf({ kind: 'work', more: {} }) } : {}),
          ...(shape.tasks.length > 0 ? { tasks: tasksOf(shape.tasks) } : {}),
          ...lists(shape),
        };
      case 'if':
        return {
          id,
          type: 'core.flow.If',
          condition: String(shape.condition),
          then: tasksOf(shape.tasks),
          ...(shape.otherwise.length > 0 ? { else: tasksOf(shape.otherwise) } : {}),
        };
      case 'switch':
        return {
          id,
          type: 'core.flow.Switch',
          value: shape.value,
          cases: { x: tasksOf(shape.tasks) },
          defaults: tasksOf(shape.otherwise),
        };
      default:
        return shape satisfies never;
    }
  };
  const { tasks, errors, finally: last, afterExecution } = shapes;
  return {
    tasks: tasksOf(tasks),
    ...lists({ errors, finally: last }),
    ...(afterExecution.length > 0 ? { afterExecution: tasksOf(afterExecution) } : {}),
  };
}
