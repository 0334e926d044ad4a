import { createHash } from 'node:crypto';

/** What happened, line by line; two runs of one seed give the same. */
export interface Trace {
  line(text: string): void;
  /** Of all lines so far. */
  hash(): string;
  readonly lines: readonly string[];
}

/** `keep`: the lines are kept for people; otherwise only their hash. */
export function createTrace(now: () => number, keep: boolean): Trace {
  const hash = createHash('sha256');
  const lines: string[] = [];
  return {
    line(text) {
      const line = `${String(now()).padStart(8)} ${text}`;
      hash.update(line);
      if (keep) lines.push(line);
    },
    hash: () => hash.copy().digest('hex').slice(0, 32),
    lines,
  };
}
