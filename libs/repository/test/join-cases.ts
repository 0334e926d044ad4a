import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  keyOf,
  triggerRecordId,
  triggersKey,
  type ExecutionHead,
  type LogEntry,
  type MetricEntry,
  type State,
  type TaskRun,
  type TriggerState,
} from '@millrace/model';
import { createSqlCopy, type CopiedRecord } from '@millrace/queue/sql';
import type { Repository, RepositoryPart } from '../src/index.js';
import { repositoryOf } from '../src/index.js';
import { joinParts, type RecentPart } from '../src/join/index.js';
import { createRecentCopy } from '../src/overlay/recent-copy.js';
import { createSqlPart } from '../src/sql/index.js';
import { createdOf, headOf, historyOf, logOf, START, taskRunOf, topics, triggerOf, VARIABLES } from './database.js';

/** A record as a log has it. */
export interface Logged extends CopiedRecord {
  readonly offset: number;
}

/** Numbers in [0, 1). */
export type Random = () => number;

const STATES: readonly State[] = ['CREATED', 'RUNNING', 'SUCCESS', 'FAILED'];
/** In the order of UTF-8 the last but one comes before the last; in that of UTF-16 it does not. */
const NAMESPACES = ['company', 'company.team', 'company.teams', 'system', 'a\uff5e', 'a\u{1f600}'] as const;
const PARTITIONS = 3;

/** What happened in an installation: records of every topic in the order in which they were written. */
export class History {
  readonly records: Logged[] = [];
  readonly #ends = new Map<string, number>();
  readonly #heads = new Map<string, ExecutionHead>();
  readonly #runs = new Map<string, TaskRun[]>();

  constructor(private readonly random: Random) {}

  static of(random: Random, steps: number): History {
    const history = new History(random);
    for (let step = 0; step < steps; step++) history.#step();
    return history;
  }

  #step(): void {
    const executionId = `e${this.#below(8)}`;
    const key = keyOf('main', executionId);
    const partition = executionId.charCodeAt(1) % PARTITIONS;
    const head = this.#heads.get(key) ?? this.#create(executionId, partition);
    const { namespace, flowId } = head;
    switch (this.#below(6)) {
      case 0:
        return this.#change(head, partition);
      case 1:
        return this.#run(head, partition);
      case 2: {
        const entry: LogEntry = logOf(executionId, this.#below(4), {
          namespace,
          flowId,
          timestamp: START + this.#below(3) * 1_000,
          level: this.#one(['TRACE', 'INFO', 'ERROR']),
        });
        return this.#write(topics.logs, partition, key, '', entry);
      }
      case 3: {
        const entry: MetricEntry = {
          tenant: 'main',
          namespace,
          flowId,
          executionId,
          taskId: this.#one(['a', 'b']),
          taskRunId: 'r',
          name: this.#one(['rows', 'bytes']),
          value: this.#below(4),
          type: 'counter',
          tags: {},
          timestamp: START + this.#below(5) * 3_600_000,
        };
        return this.#write(topics.metrics, partition, key, '', entry);
      }
      case 4: {
        const state: TriggerState = triggerOf(`t${this.#below(3)}`, {
          namespace,
          flowId,
          disabled: this.#below(2) === 0,
          date: START + this.#below(3),
          ...(this.#below(2) === 0 ? { workerId: this.#one(['w1', 'w2']) } : {}),
        });
        const of = triggersKey('main', namespace, flowId);
        return this.#write(topics.triggers, 0, of, triggerRecordId(state.triggerId), state);
      }
      default:
        return this.#write(topics.executions, partition, key, 'variables', {
          ...VARIABLES,
          variables: { step: this.#below(100) },
        });
    }
  }

  #create(executionId: string, partition: number): ExecutionHead {
    const key = keyOf('main', executionId);
    const histories = [{ state: 'CREATED' as const, date: START + this.#below(3) * 1_000 }];
    const head = headOf(executionId, {
      namespace: this.#one(NAMESPACES),
      flowId: this.#one(['report', 'import']),
      state: 'CREATED',
      histories,
      labels: this.#below(2) === 0 ? [] : [{ key: 'team', value: this.#one(['red', 'blue']) }],
    });
    this.#heads.set(key, head);
    this.#write(topics.executions, partition, key, 'head', head);
    this.#write(topics.executions, partition, key, 'created', createdOf(head));
    return head;
  }

  #change(head: ExecutionHead, partition: number): void {
    const states = [...head.histories.map(({ state }) => state), this.#one(STATES)];
    const next: ExecutionHead = {
      ...head,
      state: states.at(-1) ?? 'CREATED',
      histories: [...head.histories.slice(0, 1), ...historyOf(...states.slice(1))],
      revision: head.revision + 1,
      ...(this.#below(12) === 0 ? { deleted: true as const } : {}),
    };
    this.#put(next, partition);
  }

  /** A new task run, a change of one, or one that is removed: each with the head, as an executor commits it. */
  #run(head: ExecutionHead, partition: number): void {
    const key = keyOf('main', head.executionId);
    const runs = this.#runs.get(key) ?? [];
    this.#runs.set(key, runs);
    const chosen = runs[this.#below(runs.length + 1)];
    if (chosen === undefined) {
      const run = taskRunOf(head.executionId, head.sequence, { namespace: head.namespace, flowId: head.flowId });
      runs.push(run);
      this.#write(topics.taskRuns, partition, key, run.id, run);
      this.#put({ ...head, sequence: head.sequence + 1, revision: head.revision + 1 }, partition);
    } else if (this.#below(3) === 0) {
      runs.splice(runs.indexOf(chosen), 1);
      this.#write(topics.taskRuns, partition, key, chosen.id, null);
      this.#put({ ...head, removed: (head.removed ?? 0) + 1, revision: head.revision + 1 }, partition);
    } else {
      const next = { ...chosen, state: this.#one(STATES), revision: chosen.revision + 1 };
      runs[runs.indexOf(chosen)] = next;
      this.#write(topics.taskRuns, partition, key, next.id, next);
    }
  }

  #put(head: ExecutionHead, partition: number): void {
    const key = keyOf('main', head.executionId);
    this.#heads.set(key, head);
    this.#write(topics.executions, partition, key, 'head', head);
  }

  #write(topic: CopiedRecord['topic'], partition: number, key: string, id: string, value: unknown): void {
    const place = `${topic.name}/${partition}`;
    const offset = this.#ends.get(place) ?? 0;
    // As in Kafka, where the markers of transactions have offsets, too.
    this.#ends.set(place, offset + 1 + this.#below(2));
    this.records.push({ topic, partition, key, id, value, offset, position: topic.kind === 'events' ? offset + 1 : 0 });
  }

  #below(end: number): number {
    return Math.floor(this.random() * end);
  }

  #one<Value>(values: readonly Value[]): Value {
    const value = values[this.#below(values.length)];
    if (value === undefined) throw new RangeError('There is nothing to choose from');
    return value;
  }
}

/** Databases that are made of records. */
export class Parts {
  readonly folder = mkdtempSync(join(tmpdir(), 'joined-'));
  readonly #closing: (() => Promise<void> | void)[] = [];

  /** A repository of everything. */
  whole(records: readonly Logged[]): Repository {
    return this.#closed(repositoryOf(this.index(records)));
  }

  index(records: readonly Logged[]): RepositoryPart {
    return this.#closed(createSqlPart({ file: this.#copy(records, false).file }));
  }

  /** An index that grows. */
  growing(): { readonly part: RepositoryPart; add(records: readonly Logged[]): void } {
    const copy = this.#copy([], false);
    const part = this.#closed(createSqlPart({ file: copy.file }));
    return { part, add: (records) => void (records.length > 0 && copy.apply(records, () => false)) };
  }

  /** What is newer; it begins at `starts` (`<topic>/<partition>`). */
  recent(records: readonly Logged[], starts: ReadonlyMap<string, number>): RecentPart {
    const copy = this.#copy(records, true);
    for (const topic of [topics.logs, topics.metrics]) {
      for (let partition = 0; partition < PARTITIONS; partition++)
        copy.begin(topic, partition, (starts.get(`${topic.name}/${partition}`) ?? 0) + 1);
    }
    return this.#closed(createRecentCopy({ file: copy.file, freshness: () => ({}) }));
  }

  /** Both, and where one ends and the other begins in each partition. */
  joined(records: readonly Logged[], splits: ReadonlyMap<string, number>, overlap: number): Repository {
    const splitOf = ({ topic, partition }: Logged): number => splits.get(`${topic.name}/${partition}`) ?? 0;
    // The index may have more than the other part counts on.
    const index = this.index(records.filter((record) => record.offset < splitOf(record) + overlap));
    const recent = this.recent(
      records.filter((record) => record.offset >= splitOf(record)),
      splits,
    );
    const still = { now: () => 0, after: () => () => undefined };
    return repositoryOf(joinParts(index, recent, { clock: still }));
  }

  #copy(records: readonly Logged[], remembersRemoved: boolean) {
    const copy = createSqlCopy({
      folder: this.folder,
      topics: [topics.executions, topics.taskRuns, topics.logs, topics.metrics, topics.triggers],
      now: () => 0,
      remembersRemoved,
      onRefused: (_record, reason) => {
        throw new Error(reason);
      },
    });
    this.#closing.push(() => copy.close());
    if (records.length > 0) copy.apply(records, () => false);
    return copy;
  }

  #closed<Part extends { close(): Promise<void> }>(part: Part): Part {
    this.#closing.unshift(() => part.close());
    return part;
  }

  async remove(): Promise<void> {
    for (const close of this.#closing) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
