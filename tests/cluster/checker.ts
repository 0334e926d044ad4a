import { isDeepStrictEqual } from 'node:util';
import { FLOWS } from '../product/workload.js';
import { checkExecutions, type Expectation } from './executions-check.js';
import { ENDED, plain, text, type Plain } from './plain.js';
import { ResultsCheck } from './results-check.js';
import { SlotsCheck } from './slots-check.js';
import type { TopicRecord } from './topics.js';

/*
 * What must be true of the topics afterwards, whatever was killed. Shares no code with the engine: it knows the records'
 * names and fields, and nothing of how they come about.
 */

/** What the checker found, and how much it has looked at: a checker that read nothing has proved nothing. */
export interface Findings {
  readonly violations: readonly string[];
  readonly executions: number;
  readonly ended: number;
  readonly taskRuns: number;
  readonly results: number;
  readonly staleResults: number;
  /** Records by topic. */
  readonly read: Readonly<Record<string, number>>;
}

/** Topics whose records it looks at. */
export const CHECKED_TOPICS = ['executions', 'task-runs', 'execution-events', 'flow-state', 'dead-letters'] as const;

const EXPECTATIONS: ReadonlyMap<string, Expectation> = new Map(FLOWS.map((flow) => [flow.id, flow]));

export interface CheckOptions {
  /** How executions end, by flow; of others only that they end once. Default: the workload's. */
  readonly expectations?: ReadonlyMap<string, Expectation>;
  /** Executions of a flow that may run at a time. */
  readonly limits?: ReadonlyMap<string, number>;
}

/** Sees each record once, in the order of its partition; tells in the end what was wrong. */
export class Checker {
  readonly #violations: string[] = [];
  /** By execution. */
  readonly #heads = new Map<string, Plain>();
  readonly #created = new Map<string, Plain>();
  /** By execution and task run. */
  readonly #runs = new Map<string, Plain>();
  readonly #endings = new Map<string, number>();
  readonly #open = new Set<string>();
  readonly #revisions = new Map<string, number>();
  readonly #read = new Map<string, number>();
  readonly #results = new ResultsCheck();
  readonly #slots: SlotsCheck;
  readonly #expectations: ReadonlyMap<string, Expectation>;

  constructor({ expectations = EXPECTATIONS, limits = new Map() }: CheckOptions = {}) {
    this.#expectations = expectations;
    this.#slots = new SlotsCheck(limits, this.#violations);
  }

  /** Newest heads, by execution. */
  get heads(): ReadonlyMap<string, Plain> {
    return this.#heads;
  }

  /** Newest task runs, by execution and id. */
  get runs(): ReadonlyMap<string, Plain> {
    return this.#runs;
  }

  /** Executions that were begun and have not ended. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  see(record: TopicRecord): void {
    const { topic, value } = record;
    this.#read.set(topic, (this.#read.get(topic) ?? 0) + 1);
    if (topic === 'executions' || topic === 'task-runs') this.#seeState(record);
    if (topic === 'execution-events') this.#results.see(plain(value));
    if (topic === 'flow-state') this.#slots.see(record);
    if (topic === 'dead-letters')
      this.#violations.push(`A record became a dead letter: ${JSON.stringify(value).slice(0, 600)}`);
  }

  #seeState({ topic, key, value }: TopicRecord): void {
    if (value === null) return;
    const record = plain(value);
    const revision = record['revision'];
    const id = text(record['executionId']);
    if (typeof revision === 'number') {
      // Two writers of one partition, or a write that was decided on state that was not the newest.
      const before = this.#revisions.get(`${topic} ${key}`);
      const newest = record['kind'] === 'head' ? this.#heads.get(id) : this.#runs.get(`${id} ${text(record['id'])}`);
      // An execution that is asked to show its records writes them again, to the letter.
      const isShown = revision === before && isDeepStrictEqual(record, newest);
      if (before !== undefined && revision <= before && !isShown)
        this.#violations.push(`${topic} '${key}': revision ${revision} was written after revision ${before}`);
      this.#revisions.set(`${topic} ${key}`, revision);
    }
    if (record['kind'] === 'created') this.#created.set(id, record);
    if (record['kind'] === 'task-run') this.#runs.set(`${id} ${text(record['id'])}`, record);
    if (record['kind'] !== 'head') return;
    const wasEnded = ENDED.has(text(this.#heads.get(id)?.['state']));
    const isEnded = ENDED.has(text(record['state']));
    if (isEnded && !wasEnded) this.#endings.set(id, (this.#endings.get(id) ?? 0) + 1);
    if (isEnded) this.#open.delete(id);
    else this.#open.add(id);
    this.#heads.set(id, record);
  }

  /** @param acknowledged ids of executions for which a client got an answer, and the flow that each runs */
  finish(acknowledged: ReadonlyMap<string, string>): Findings {
    const violations = [...this.#violations];
    checkExecutions(
      {
        heads: this.#heads,
        created: this.#created,
        runs: this.#runs,
        endings: this.#endings,
        acknowledged,
        expectations: this.#expectations,
      },
      violations,
    );
    this.#slots.finish(violations);
    const results = this.#results.finish(this.#runs, violations);
    return {
      violations,
      executions: this.#heads.size,
      ended: this.#heads.size - this.#open.size,
      taskRuns: this.#runs.size,
      ...results,
      read: Object.fromEntries(this.#read),
    };
  }
}

/** All at once: records that were kept. */
export function check(records: readonly TopicRecord[], acknowledged: ReadonlyMap<string, string>): Findings {
  const checker = new Checker();
  const inOrder = [...records].sort(
    (one, other) =>
      one.topic.localeCompare(other.topic) || one.partition - other.partition || one.offset - other.offset,
  );
  for (const record of inOrder) checker.see(record);
  return checker.finish(acknowledged);
}

/** The ids of executions whose newest head is terminal. */
export function endedExecutions(records: readonly TopicRecord[]): Set<string> {
  const ended = new Set<string>();
  for (const { topic, value } of records) {
    const head = plain(value);
    if (topic === 'executions' && head['kind'] === 'head' && ENDED.has(text(head['state'])))
      ended.add(text(head['executionId']));
  }
  return ended;
}
