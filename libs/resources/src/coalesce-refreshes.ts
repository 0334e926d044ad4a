/**
 * Makes many calls of `refresh` into few: who asks while one is under way shares the next one, for the one under way may
 * have looked before the change that the caller wants to see.
 */
export function coalesceRefreshes(refresh: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    const started = refresh().finally(() => {
      if (running === started) running = undefined;
    });
    running = started;
    return started;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}
