import type { CommandContext } from './context.js';

/**
 * Does `work`, whose signal the first Ctrl+C or SIGTERM aborts; what it does then is its own matter.
 *
 * @param onSignal told of each one, counted from 1
 */
export async function interruptible<Result>(
  { signals }: CommandContext,
  work: (signal: AbortSignal) => Promise<Result>,
  onSignal: (count: number) => void = () => undefined,
): Promise<Result> {
  const abort = new AbortController();
  let count = 0;
  const listener = (): void => {
    count += 1;
    abort.abort();
    onSignal(count);
  };
  signals.on('SIGINT', listener);
  signals.on('SIGTERM', listener);
  try {
    return await work(abort.signal);
  } finally {
    signals.off('SIGINT', listener);
    signals.off('SIGTERM', listener);
  }
}
