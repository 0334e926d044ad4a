import type * as fc from 'fast-check';
import type { PlainObject } from '@millrace/model';
import { shapesOfFlow, type FlowShapes, type Shape } from './random-shapes.js';

/** The flow of which random flows start executions. */
export const LEAF = 'leaf';
export const LEAF_NAMESPACE = 'simulation';

/** The lists of a random flow over the task kinds of the engine; tasks for workers are of type `core.flow.Sleep`. */
export interface RandomFlow {
  readonly tasks: readonly PlainObject[];
  readonly errors?: readonly PlainObject[];
  readonly finally?: readonly PlainObject[];
  readonly afterExecution?: readonly PlainObject[];
}

/**
 * Random flows, small ones first when a failing one is shrunk. An Exit stands only where nothing runs beside it, so that
 * what an execution comes to does not depend on who is faster.
 */
export const randomFlow: fc.Arbitrary<RandomFlow> = shapesOfFlow.map((shapes) => named(shapes, false));

/** Random flows with an Exit anywhere. */
export const randomFlowWithExits: fc.Arbitrary<RandomFlow> = shapesOfFlow.map((shapes) => named(shapes, true));

function named({ tasks, errors, finally: last, afterExecution }: FlowShapes, exitsAnywhere: boolean): RandomFlow {
  const writer = new Writer(exitsAnywhere);
  return {
    tasks: writer.list(tasks),
    ...(errors.length > 0 ? { errors: writer.list(errors) } : {}),
    ...(last.length > 0 ? { finally: writer.list(last) } : {}),
    ...(afterExecution.length > 0 ? { afterExecution: writer.list(afterExecution) } : {}),
  };
}

type ShapeOf<Kind extends Shape['kind']> = Extract<Shape, { kind: Kind }>;

/** Gives ids in the order of the tree. */
class Writer {
  #count = 0;
  /** How many blocks that may run several tasks at a time are around. */
  #beside = 0;
  readonly #exitsAnywhere: boolean;

  constructor(exitsAnywhere: boolean) {
    this.#exitsAnywhere = exitsAnywhere;
  }

  list(shapes: readonly Shape[]): PlainObject[] {
    return shapes.map((shape) => this.#task(shape));
  }

  #lists(shape: { readonly errors: readonly Shape[]; readonly finally: readonly Shape[] }): PlainObject {
    return {
      ...(shape.errors.length > 0 ? { errors: this.list(shape.errors) } : {}),
      ...(shape.finally.length > 0 ? { finally: this.list(shape.finally) } : {}),
    };
  }

  #task(shape: Shape): PlainObject {
    const id = `t${++this.#count}`;
    const isWide =
      shape.kind === 'dag' ||
      shape.kind === 'pause' ||
      (shape.kind === 'block' && ['Parallel', 'ForEach', 'EachParallel'].includes(shape.type));
    this.#beside += isWide ? 1 : 0;
    const written = this.#written(shape, id);
    this.#beside -= isWide ? 1 : 0;
    return written;
  }

  #written(shape: Shape, id: string): PlainObject {
    switch (shape.kind) {
      case 'log':
        return { id, type: 'core.log.Log', message: id, ...shape.more };
      case 'fail':
        return { id, type: 'core.execution.Fail', ...shape.more };
      case 'work':
        return { id, type: 'core.flow.Sleep', duration: 'PT1S', ...shape.more };
      case 'subflow':
        return { id, type: 'core.flow.Subflow', namespace: LEAF_NAMESPACE, flowId: LEAF, ...shape.more };
      case 'block':
        return this.#block(shape, id);
      case 'directory': {
        const tasks = shape.children.map((more) => this.#written({ kind: 'work', more }, `t${++this.#count}`));
        return { id, type: 'core.flow.WorkingDirectory', ...shape.more, tasks, ...this.#lists(shape) };
      }
      case 'exit':
        return this.#beside === 0 || this.#exitsAnywhere
          ? { id, type: 'core.execution.Exit', state: shape.state, ...shape.more }
          : { id, type: 'core.log.Log', message: id, ...shape.more };
      case 'variables':
        return { id, type: 'core.execution.SetVariables', variables: { [id]: id }, ...shape.more };
      case 'dag':
        return this.#dag(shape, id);
      case 'loop':
        return this.#loop(shape, id);
      case 'pause':
        return this.#pause(shape, id);
      case 'if':
        return {
          id,
          type: 'core.flow.If',
          condition: String(shape.condition),
          then: this.list(shape.tasks),
          ...(shape.otherwise.length > 0 ? { else: this.list(shape.otherwise) } : {}),
        };
      case 'switch':
        return {
          id,
          type: 'core.flow.Switch',
          value: shape.value,
          cases: { x: this.list(shape.tasks) },
          defaults: this.list(shape.otherwise),
        };
      default:
        return shape satisfies never;
    }
  }

  #block(shape: ShapeOf<'block'>, id: string): PlainObject {
    const { concurrent, concurrencyLimit, values } = shape.more;
    const own: PlainObject = {
      ...(shape.type === 'Parallel' || shape.type === 'EachParallel' ? { concurrent } : {}),
      ...(shape.type === 'ForEach' ? { concurrencyLimit, values } : {}),
      ...(shape.type.startsWith('Each') ? { value: values } : {}),
    };
    return { id, type: `core.flow.${shape.type}`, ...own, tasks: this.list(shape.tasks), ...this.#lists(shape) };
  }

  #dag(shape: ShapeOf<'dag'>, id: string): PlainObject {
    const { edges, concurrent } = shape;
    const tasks = this.list(shape.tasks);
    const entries = tasks.map((task, place) => ({
      task,
      dependsOn: tasks.slice(0, place).flatMap((one, bit) => ((edges[place] ?? 0) & (1 << bit) ? [one['id']] : [])),
    }));
    return { id, type: 'core.flow.Dag', concurrent, tasks: entries, ...this.#lists(shape) };
  }

  #loop(shape: ShapeOf<'loop'>, id: string): PlainObject {
    const condition = `{{ outputs.${id}.iterationCount >= ${shape.rounds} }}`;
    return {
      id,
      type: 'core.flow.LoopUntil',
      condition,
      ...shape.more,
      tasks: this.list(shape.tasks),
      ...this.#lists(shape),
    };
  }

  #pause(shape: ShapeOf<'pause'>, id: string): PlainObject {
    return {
      id,
      type: 'core.flow.Pause',
      ...shape.more,
      ...(shape.told ? { onPause: this.#task({ kind: 'work', more: {} }) } : {}),
      ...(shape.tasks.length > 0 ? { tasks: this.list(shape.tasks) } : {}),
      ...this.#lists(shape),
    };
  }
}
