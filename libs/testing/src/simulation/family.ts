import type { Flow, PlainObject } from '@millrace/model';
import type { SeededRandom } from './random.js';

/** Ids of the flow that starts executions, and of the flow of those, which limits how many of them run at a time. */
export const PARENT = 'parent';
export const CHILD = 'child';
/** Items of a ForEachItem. */
export const ITEMS = 3;

type Definition = Pick<Flow['definition'], 'concurrency' | 'outputs'> & {
  readonly tasks: readonly PlainObject[];
  readonly afterExecution?: readonly PlainObject[];
};

const work = (id: string): PlainObject => ({ id, type: 'core.flow.Sleep', duration: 'PT1S' });

/**
 * Two flows: one starts executions of the other in several ways, and only so many of those run at a time. Names of tasks
 * differ from those of random flows, for how a task ends follows from its name.
 */
export function drawFamily(random: SeededRandom): Readonly<Record<typeof PARENT | typeof CHILD, Definition>> {
  const starts = Array.from({ length: random.between(1, 4) }, (_, index) => starting(`s${index}`, random));
  const beside = random.chance(0.7);
  return {
    [CHILD]: {
      concurrency: { limit: random.between(1, 2), behavior: 'QUEUE' },
      tasks: [work('c1'), ...(random.chance(0.5) ? [work('c2')] : [])],
      ...(random.chance(0.3) ? { afterExecution: [work('c3')] } : {}),
      outputs: [{ id: 'o', value: 'x' }],
    },
    [PARENT]: {
      tasks: beside ? [{ id: 'beside', type: 'core.flow.Parallel', tasks: starts }] : starts,
    },
  };
}

function starting(id: string, random: SeededRandom): PlainObject {
  const kind = random.pick(['Subflow', 'Subflow', 'ForEachItem'] as const);
  return {
    id,
    type: `core.flow.${kind}`,
    namespace: random.chance(0.2) ? "{{ 'simulation' }}" : 'simulation',
    flowId: CHILD,
    ...(kind === 'ForEachItem' ? { items: 'kestra:///items.txt' } : {}),
    ...(random.chance(0.3) ? { wait: false } : {}),
    ...(random.chance(0.3) ? { transmitFailed: false } : {}),
    ...(kind === 'Subflow' && random.chance(0.3)
      ? { retry: { type: 'constant', interval: 'PT1S', maxAttempts: 2 } }
      : {}),
  };
}
