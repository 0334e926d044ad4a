/** Transactions of one process at a time, as long as nobody waits too long. */
const TOGETHER = 2;
/** A partition waits no longer than this for its turn: a transaction that hangs must not hold up the others. */
const WAIT_MAX_MS = 25;

/**
 * Lets the partitions of a process commit in turn. A transaction costs much the same whether it holds one event or five
 * hundred; while a partition waits for its turn more events come, which then share one. Idle, nobody waits.
 */
export interface CommitGate {
  /** True: go on, and call `leave` afterwards. A promise: then. */
  enter(): true | Promise<void>;
  leave(): void;
}

export function createCommitGate(): CommitGate {
  const waiting: (() => void)[] = [];
  let inside = 0;

  function wait(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        inside++;
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(go), 1);
        go();
      }, WAIT_MAX_MS);
      waiting.push(go);
    });
  }

  return {
    enter() {
      if (inside >= TOGETHER || waiting.length > 0) return wait();
      inside++;
      return true;
    },
    leave() {
      inside--;
      if (inside < TOGETHER) waiting.shift()?.();
    },
  };
}
