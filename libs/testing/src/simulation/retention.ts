import { seededRandom } from './random.js';

/** What is asked of an execution that has ended. */
export const LATER = ['restart', 'set-labels', 'delete', 'replay', 'kill'] as const;

export interface PlannedOperation {
  readonly kind: (typeof LATER)[number];
  /** Milliseconds after the execution has ended (once more). */
  readonly after: number;
}

/** What a seed decides about executions that have ended. */
export interface PlannedRetention {
  /** Of the queue, in milliseconds. */
  readonly afterMs: number;
  /** By the number of an execution: one operation after the other. */
  readonly operations: ReadonlyMap<number, readonly PlannedOperation[]>;
  /** Ends of executors in calm times, milliseconds after the disturbed time. */
  readonly restarts: readonly { readonly executor: number; readonly after: number; readonly isKilled: boolean }[];
}

/** In every second seed executions leave the queue. */
export function drawRetention(seed: number, executions: number): PlannedRetention | undefined {
  const random = seededRandom(seed, 'retention');
  if (random.chance(0.5)) return undefined;
  const afterMs = random.between(5_000, 20_000);
  const operation = (): PlannedOperation => ({
    kind: random.pick(['restart', 'restart', 'set-labels', 'set-labels', 'delete', 'replay', 'kill']),
    after: random.chance(0.3) ? random.between(0, afterMs) : random.between(afterMs, afterMs + 20_000),
  });
  const chosen = Array.from({ length: executions }, (_, index) => index).filter(() => random.chance(0.5));
  return {
    afterMs,
    operations: new Map(
      chosen.map((index) => [index, Array.from({ length: random.between(1, 3) }, operation)] as const),
    ),
    restarts: Array.from({ length: random.between(0, 3) }, () => ({
      executor: random.between(0, 2),
      after: random.between(0, 60_000),
      isKilled: random.chance(0.7),
    })),
  };
}
