import type { Row } from './rows.js';
import { Scope, unlessAborted } from './scope.js';

/** Rows that are measured on the same servers. */
export interface Measurement {
  /** On the command line: `--only NAME`. */
  readonly name: string;
  /** For each row, from the one before it or from the start of the servers: against hanging, far more than it should take. */
  readonly limitSeconds: number;
  /** Yields each row as soon as it is known. */
  rows(scope: Scope): AsyncIterable<Row>;
}

/** What is measured of one product, with what all its measurements share. */
export interface Backend {
  readonly measurements: readonly Measurement[];
  /** Runs per command, unless told otherwise. */
  readonly times: number;
  /** Starts what is shared, before the first measurement. */
  prepare?(scope: Scope): Promise<void>;
}

/** A measurement that did not come to its end. */
export interface Failure {
  readonly name: string;
  /** One sentence that names it. */
  readonly reason: string;
}

export interface Listener {
  begins(name: string): void;
  row(row: Row): void;
  failed(failure: Failure): void;
}

/** What was left behind ends by itself, for its servers are gone. */
const LEFT_BEHIND_MS = 10_000;

/**
 * One measurement after the other; one that fails, or hangs, is reported, and the next one begins.
 * @param signal ends the one that runs, and begins no other
 */
export async function runMeasurements(
  measurements: readonly Measurement[],
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  for (const measurement of measurements) {
    if (signal.aborted) return;
    listener.begins(measurement.name);
    try {
      await run(measurement, listener, signal);
    } catch (error) {
      if (signal.aborted) return;
      const reason = `'${measurement.name}' failed: ${error instanceof Error ? error.message : String(error)}`;
      listener.failed({ name: measurement.name, reason });
    }
  }
}

async function run({ name, limitSeconds, rows }: Measurement, listener: Listener, signal: AbortSignal): Promise<void> {
  const tooLate = new AbortController();
  const scope = new Scope(AbortSignal.any([signal, tooLate.signal]));
  const iterator = rows(scope)[Symbol.asyncIterator]();
  let last = 'its start';
  let pending: Promise<IteratorResult<Row>> | undefined;
  try {
    for (;;) {
      const timer = setTimeout(
        () => tooLate.abort(new Error(`no row came within the ${limitSeconds} s that it has after ${last}`)),
        limitSeconds * 1_000,
      );
      try {
        pending = iterator.next();
        const next = await unlessAborted(pending, scope.signal);
        if (next.done === true) return;
        listener.row(next.value);
        last = `the row '${next.value.row}' of '${name}'`;
      } finally {
        clearTimeout(timer);
      }
    }
  } finally {
    await scope.close();
    // Nothing of it may disturb the next one.
    if (scope.signal.aborted) await settled(pending);
  }
}

async function settled(work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, LEFT_BEHIND_MS)));
  await Promise.race([limit, work?.catch(() => undefined)]);
  clearTimeout(timer);
}
