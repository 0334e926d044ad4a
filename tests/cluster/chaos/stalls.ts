import { ENDED, plain, text } from '../plain.js';
import type { TopicRecord } from '../topics.js';
import type { Fault } from './faults.js';

/** The longest times without progress, in milliseconds. */
export interface Stall {
  /** Of one execution that had something to do; which one. */
  readonly ofOne: { readonly ms: number; readonly execution?: string };
  /** Of all together: nothing moved anywhere. */
  readonly ofAll: number;
}

/** Flows whose steps follow each other within a second when nothing is disturbed, and that wait for nobody. */
const QUICK: ReadonlySet<string> = new Set([
  'scripts',
  'retries',
  'loops',
  'branches',
  'child',
  'tick0',
  'tick1',
  'tick2',
]);
/** Shorter times are work, not a stall. */
const NOTABLE_MS = 1_000;
/** A fault may have begun what is seen only after it is over: a worker's lease, a group's session. */
const AFTERMATH_MS = 15_000;

interface Gap {
  readonly from: number;
  readonly until: number;
  readonly execution?: string;
}

/** Times between the records of an execution, and between records of any, by the times at which they were written. */
export class Stalls {
  readonly #last = new Map<string, number>();
  readonly #gaps: Gap[] = [];
  readonly #moments: number[] = [];
  readonly #flows = new Map<string, string>();

  see({ topic, value, timestamp }: TopicRecord): void {
    const record = plain(value);
    if (topic !== 'executions' && topic !== 'task-runs') return;
    if (value === null) return;
    this.#moments.push(timestamp);
    const id = text(record['executionId']);
    if (record['kind'] === 'head') this.#flows.set(id, text(record['flowId']));
    if (!QUICK.has(this.#flows.get(id) ?? '')) return;
    const before = this.#last.get(id);
    if (before !== undefined && timestamp - before > NOTABLE_MS)
      this.#gaps.push({ from: before, until: timestamp, execution: id });
    if (record['kind'] === 'head' && ENDED.has(text(record['state']))) this.#last.delete(id);
    else this.#last.set(id, Math.max(timestamp, before ?? 0));
  }

  /** By what was done to the cluster; `otherwise`: stalls that no fault explains. */
  by(faults: readonly Fault[]): ReadonlyMap<string, Stall> {
    const stalls = new Map<string, { ofOne: Stall['ofOne']; ofAll: number }>();
    const of = (gap: Gap): { ofOne: Stall['ofOne']; ofAll: number } => {
      const cause = causeOf(gap, faults)?.what ?? 'otherwise';
      const stall = stalls.get(cause) ?? { ofOne: { ms: 0 }, ofAll: 0 };
      stalls.set(cause, stall);
      return stall;
    };
    for (const gap of this.#gaps) {
      const stall = of(gap);
      const ms = gap.until - gap.from;
      if (ms > stall.ofOne.ms)
        stall.ofOne = { ms, ...(gap.execution === undefined ? {} : { execution: gap.execution }) };
    }
    const moments = this.#moments.sort((one, other) => one - other);
    for (let at = 1; at < moments.length; at++) {
      const gap = { from: moments[at - 1] ?? 0, until: moments[at] ?? 0 };
      if (gap.until - gap.from <= NOTABLE_MS) continue;
      const stall = of(gap);
      stall.ofAll = Math.max(stall.ofAll, gap.until - gap.from);
    }
    return stalls;
  }
}

/** The first fault during the gap, else the latest before it whose aftermath may still last. */
function causeOf({ from, until }: Gap, faults: readonly Fault[]): Fault | undefined {
  const during = faults.find(({ at }) => at >= from && at <= until);
  return during ?? faults.filter((fault) => fault.at < from && fault.until + AFTERMATH_MS >= from).at(-1);
}
