import * as fc from 'fast-check';
import type { PlainObject } from '@millrace/model';

/** What a random task is made of; ids are given afterwards, in the order of the tree. */
export type Shape =
  | { readonly kind: 'log' | 'fail'; readonly more: PlainObject }
  | { readonly kind: 'work'; readonly more: PlainObject }
  /** Starts an execution of the flow `LEAF`. */
  | { readonly kind: 'subflow'; readonly more: PlainObject }
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

/** Lists of shapes by name. */
export type FlowShapes = Readonly<Record<'tasks' | 'errors' | 'finally' | 'afterExecution', readonly Shape[]>>;

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

/** Lists that a shape may hold: one with tasks, one that is mostly empty. */
interface Lists {
  readonly list: fc.Arbitrary<readonly Shape[]>;
  readonly maybe: fc.Arbitrary<readonly Shape[]>;
}

const block = ({ list, maybe }: Lists) =>
  fc.record({
    kind: fc.constant<'block'>('block'),
    type: fc.constantFrom('Sequential', 'Parallel', 'ForEach', 'AllowFailure', 'EachSequential', 'EachParallel'),
    tasks: list,
    errors: maybe,
    finally: maybe,
    more: fc.record({
      concurrent: fc.integer({ min: 0, max: 3 }),
      concurrencyLimit: fc.integer({ min: 0, max: 3 }),
      values: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 0, maxLength: 5 }),
    }),
  });

const dag = ({ list, maybe }: Lists) =>
  fc.record({
    kind: fc.constant<'dag'>('dag'),
    tasks: list,
    errors: maybe,
    finally: maybe,
    edges: fc.array(fc.nat(15), { minLength: 4, maxLength: 4 }),
    concurrent: fc.integer({ min: 0, max: 3 }),
  });

const loop = ({ list, maybe }: Lists) =>
  fc.record({
    kind: fc.constant<'loop'>('loop'),
    tasks: list,
    errors: maybe,
    finally: maybe,
    rounds: fc.integer({ min: 1, max: 3 }),
    more: fc.record({
      failOnMaxReached: fc.boolean(),
      checkFrequency: fc.record({
        interval: fc.constantFrom('PT0S', 'PT1S'),
        maxIterations: fc.integer({ min: 1, max: 3 }),
      }),
    }),
  });

const pause = ({ maybe }: Lists) =>
  fc.record({
    kind: fc.constant<'pause'>('pause'),
    tasks: maybe,
    errors: maybe,
    finally: maybe,
    told: fc.boolean(),
    more: fc.record({
      pauseDuration: fc.constantFrom('PT0S', 'PT2S'),
      behavior: fc.constantFrom('RESUME', 'RESUME', 'WARN', 'FAIL'),
    }),
  });

const directory = ({ maybe }: Lists) =>
  fc.record({
    kind: fc.constant<'directory'>('directory'),
    children: fc.array(
      fc.record(
        { allowFailure: fc.boolean(), allowWarning: fc.boolean(), disabled: fc.boolean() },
        { requiredKeys: [] },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    errors: maybe,
    finally: maybe,
    more: some,
  });

const exit = fc.record({
  kind: fc.constant<'exit'>('exit'),
  state: fc.constantFrom('SUCCESS', 'WARNING', 'FAILED', 'CANCELLED', 'KILLED'),
  more: some,
});

const subflow = fc
  .tuple(some, fc.record({ wait: fc.boolean(), transmitFailed: fc.boolean() }, { requiredKeys: [] }))
  .map(([more, own]) => ({ kind: 'subflow' as const, more: { ...more, ...own } }));

const ifShape = ({ list, maybe }: Lists) =>
  fc.record({
    kind: fc.constant<'if'>('if'),
    condition: fc.boolean(),
    tasks: list,
    otherwise: maybe,
  });

const switchShape = ({ list }: Lists) =>
  fc.record({
    kind: fc.constant<'switch'>('switch'),
    value: fc.constantFrom('x', 'y'),
    tasks: list,
    otherwise: list,
  });

const { list } = fc.letrec<{ task: Shape; list: readonly Shape[]; maybe: readonly Shape[] }>((tie) => {
  const lists: Lists = { list: tie('list'), maybe: tie('maybe') };
  return {
    task: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'flow' },
      { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom<'log' | 'work'>('log', 'work', 'work'), more: some }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant<'fail'>('fail'), more: some }) },
      { weight: 4, arbitrary: block(lists) },
      { weight: 2, arbitrary: directory(lists) },
      { weight: 1, arbitrary: subflow },
      { weight: 1, arbitrary: exit },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant<'variables'>('variables'), more: some }) },
      { weight: 1, arbitrary: dag(lists) },
      { weight: 1, arbitrary: loop(lists) },
      { weight: 1, arbitrary: pause(lists) },
      { weight: 1, arbitrary: ifShape(lists) },
      { weight: 1, arbitrary: switchShape(lists) },
    ) as fc.Arbitrary<Shape>,
    list: fc.array(tie('task'), { minLength: 1, maxLength: 4, depthIdentifier: 'flow' }),
    maybe: fc.oneof({ weight: 3, arbitrary: fc.constant<readonly Shape[]>([]) }, { weight: 1, arbitrary: tie('list') }),
  };
});

/** Shapes of whole flows, small ones first when a failing one is shrunk. */
export const shapesOfFlow: fc.Arbitrary<FlowShapes> = fc.record({
  tasks: list,
  errors: fc.oneof(fc.constant([]), list),
  finally: fc.oneof(fc.constant([]), list),
  afterExecution: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: list }),
});
