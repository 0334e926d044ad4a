import type { Clock } from '@millrace/model';
import type { Logger, Service } from './contract.js';
import { createHealth, type Health } from './health.js';

/** What the lifecycle needs; a `ServiceContext` fulfils it. */
export interface LifecycleContext {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Servers of one process that were started together. */
export interface ServiceGroup {
  readonly health: Health;
  /** Rejects when one of them stopped by itself; the others go on until `stop`. */
  readonly failed: Promise<never>;
  /** Stops them in reverse order, also when one fails to stop; then rejects with the first failure. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts servers in order. When one cannot start, those before it are stopped and the reason is thrown.
 */
export async function startServices(
  services: readonly Service[],
  {
    context,
    health = createHealth(),
  }: { readonly context: LifecycleContext; readonly health?: ReturnType<typeof createHealth> },
): Promise<ServiceGroup> {
  const started: Service[] = [];
  const failed = Promise.race(services.map((service) => service.failed));
  // Whoever holds the group decides what a failure means; until somebody listens it must not end the process.
  failed.catch(() => health.set({ live: false, ready: false }));

  const stopStarted = async (): Promise<void> => {
    health.set({ ready: false });
    let firstFailure: { readonly error: unknown } | undefined;
    for (const service of started.splice(0).reverse()) {
      try {
        await service.stop();
        context.log.debug({ service: service.name }, 'Server stopped');
      } catch (error) {
        firstFailure ??= { error };
      }
    }
    if (firstFailure) throw firstFailure.error;
  };
  try {
    for (const service of services) {
      await Promise.race([service.start(), failed]);
      started.push(service);
      context.log.debug({ service: service.name }, 'Server started');
    }
  } catch (error) {
    await stopStarted().catch((stopError: unknown) =>
      context.log.warn({ err: stopError }, 'A server could not be stopped after a failed start'),
    );
    throw error;
  }
  health.set({ ready: true });
  let stopping: Promise<void> | undefined;
  return { health, failed, stop: () => (stopping ??= stopStarted()) };
}

/** Where signals come from: the process, or a test. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

export interface RunOptions {
  readonly context: LifecycleContext;
  readonly signals: SignalSource;
  /** Resolves when somebody asked this server to stop, as a signal would (`cluster drain`). */
  readonly drained?: Promise<unknown>;
  /** Ends the process at once: a second signal, or a stop that takes longer than `gracePeriodMs`. */
  readonly exitNow: (code: number) => void;
  /** How long a stop may take, in milliseconds. */
  readonly gracePeriodMs: number;
  /** Told of the failure that ends the process. */
  readonly onFailure: (error: unknown) => void;
}

/** Exit codes of `runUntilSignal`. */
export const EXIT_STOPPED = 0;
export const EXIT_FAILED = 1;
/** As shells report a process ended by SIGINT. */
export const EXIT_FORCED = 130;

/**
 * Keeps the servers running until the first SIGTERM or SIGINT, until it is drained, or until one of them fails; then stops all. Answers the
 * exit code: 0 after a signal, 1 after a failure.
 */
export async function runUntilSignal(group: ServiceGroup, options: RunOptions): Promise<number> {
  const { context, signals, exitNow, gracePeriodMs, onFailure, drained } = options;
  let signalled = 0;
  let onFirst: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (onFirst = resolve));
  const onSignal = (): void => {
    signalled += 1;
    if (signalled === 1) onFirst();
    else exitNow(EXIT_FORCED);
  };
  // A signal after it ends the process at once, as the second of two would.
  drained?.then(onSignal, () => undefined);
  signals.on('SIGTERM', onSignal);
  signals.on('SIGINT', onSignal);
  try {
    const code = await Promise.race([first.then(() => EXIT_STOPPED), group.failed]).catch((error: unknown) => {
      onFailure(error);
      return EXIT_FAILED;
    });
    const cancelTimer = context.clock.after(gracePeriodMs, () => {
      context.log.error({ gracePeriodMs }, 'Servers did not stop within the grace period');
      exitNow(EXIT_FORCED);
    });
    try {
      await group.stop();
      return code;
    } catch (error) {
      onFailure(error);
      return EXIT_FAILED;
    } finally {
      cancelTimer();
    }
  } finally {
    signals.off('SIGTERM', onSignal);
    signals.off('SIGINT', onSignal);
  }
}
