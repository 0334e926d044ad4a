import type { Clock } from '@millrace/model';

/** A line that belongs to a moment. */
export interface TimedLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Orders lines of one moment and task run: what begins, what is said, what ends. */
  readonly rank: 'begin' | 'say' | 'end';
  readonly taskRunId: string;
  /** Asked for when the line is told. */
  text(): string;
}

/** Orders lines of one moment by their task runs. */
export interface Places {
  ofBegin(taskRunId: string): number;
  ofEnd(taskRunId: string): number;
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

/** The texts of `lines` in the order in which things happened. */
export function inOrder(lines: readonly TimedLine[], places: Places): readonly string[] {
  const place = ({ rank, taskRunId }: TimedLine): number =>
    rank === 'end' ? places.ofEnd(taskRunId) : places.ofBegin(taskRunId);
  const compare = (left: TimedLine, right: TimedLine): number =>
    left.at - right.at ||
    difference(place(left), place(right)) ||
    RANKS[left.rank] - RANKS[right.rank] ||
    // Of what ends together, the inner one first. Stable: other lines stay in the order in which they came.
    (left.rank === 'end' ? difference(places.ofBegin(right.taskRunId), places.ofBegin(left.taskRunId)) : 0);
  return [...lines].sort(compare).map((line) => line.text());
}

/** Infinity is equal to itself. */
const difference = (left: number, right: number): number => (left === right ? 0 : left - right);

/** Tells lines in the order in which things happened, at most 150 ms late. */
export function createOrderedLines(
  { clock, places }: { readonly clock: Clock; readonly places: Places },
  tell: (lines: readonly string[]) => void,
): OrderedLines {
  let waiting: TimedLine[] = [];
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const lines = waiting;
    waiting = [];
    tell(inOrder(lines, places));
  };
  return {
    add(lines) {
      waiting.push(...lines);
      if (waiting.length > 0) cancel ??= clock.after(WAIT_MS, flush);
    },
    flush,
  };
}
