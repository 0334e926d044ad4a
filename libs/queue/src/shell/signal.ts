/** Wakes one waiter; a signal given while nobody waits is kept. */
export interface Signal {
  give(): void;
  /** Resolves at once when a signal was given since the last wait. */
  wait(): Promise<void>;
}

export function createSignal(): Signal {
  let given = false;
  let waiter: (() => void) | undefined;
  return {
    give() {
      given = true;
      waiter?.();
      waiter = undefined;
    },
    async wait() {
      if (!given) await new Promise<void>((resolve) => (waiter = resolve));
      given = false;
    },
  };
}
