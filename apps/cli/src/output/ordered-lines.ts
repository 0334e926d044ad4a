import type { Clock } from '@millrace/model';

/** A line that belongs to a moment. */
export interface TimedLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Orders lines of one moment: what begins, what is said, what ends. */
  readonly rank: 'begin' | 'say' | 'end';
  readonly text: string;
}

/** States and log lines come on two streams; what happened first is to be told first. */
export interface OrderedLines {
  add(lines: readonly TimedLine[]): void;
  /** Tells everything now. */
  flush(): void;
}

/** How long a line waits for an earlier one from the other stream. */
const WAIT_MS = 150;
const RANKS = { begin: 0, say: 1, end: 2 } as const;

/** Tells lines in the order in which things happened, at most 150 ms late. */
export function createOrderedLines(clock: Clock, tell: (lines: readonly string[]) => void): OrderedLines {
  let waiting: TimedLine[] = [];
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const lines = waiting;
    waiting = [];
    // Stable: lines of one rank and moment stay in the order in which they came.
    lines.sort((left, right) => left.at - right.at || RANKS[left.rank] - RANKS[right.rank]);
    tell(lines.map(({ text }) => text));
  };
  return {
    add(lines) {
      waiting.push(...lines);
      if (waiting.length > 0) cancel ??= clock.after(WAIT_MS, flush);
    },
    flush,
  };
}
