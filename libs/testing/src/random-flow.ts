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
        type: fc.constantFrom('Sequential', 'Parallel', 'ForEach', 'AllowFailure'),
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

/** Random flows, small ones first when a failing one is shrunk. */
export const randomFlow: fc.Arbitrary<RandomFlow> = fc
  .record({
    tasks: list,
    errors: fc.oneof(fc.constant([]), list),
    finally: fc.oneof(fc.constant([]), list),
    afterExecution: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: list }),
  })
  .map(named);

function named(
  shapes: Readonly<Record<'tasks' | 'errors' | 'finally' | 'afterExecution', readonly Shape[]>>,
): RandomFlow {
  let count = 0;
  const tasksOf = (shapesOfList: readonly Shape[]): PlainObject[] => shapesOfList.map(taskOf);
  const lists = (shape: { readonly errors: readonly Shape[]; readonly finally: readonly Shape[] }): PlainObject => ({
    ...(shape.errors.length > 0 ? { errors: tasksOf(shape.errors) } : {}),
    ...(shape.finally.length > 0 ? { finally: tasksOf(shape.finally) } : {}),
  });
  const taskOf = (shape: Shape): PlainObject => {
    const id = `t${++count}`;
    switch (shape.kind) {
      case 'log':
        return { id, type: 'core.log.Log', message: id, ...shape.more };
      case 'fail':
        return { id, type: 'core.execution.Fail', ...shape.more };
      case 'work':
        return { id, type: 'core.flow.Sleep', duration: 'PT1S', ...shape.more };
      case 'block': {
        const { concurrent, concurrencyLimit, values } = shape.more;
        const own =
          shape.type === 'Parallel' ? { concurrent } : shape.type === 'ForEach' ? { concurrencyLimit, values } : {};
        return { id, type: `core.flow.${shape.type}`, ...own, tasks: tasksOf(shape.tasks), ...lists(shape) };
      }
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
