import {
  derivedId,
  isTerminal,
  keyOf,
  outgoing,
  type ExecutionEvent,
  type ExecutionOperation,
  type ExecutionRecord,
  type OutgoingRecord,
  type Reply,
  type SnapshotPart,
  type TaskRun,
} from '@millrace/model';
import { copyForReplay, snapshotParts } from '@millrace/executor-core';
import type { Queue } from '@millrace/queue';
import { createMemoryQueue } from '@millrace/queue/memory';
import { requestOf } from './client.js';
import type { Cluster } from './cluster.js';
import { disturb } from './disturbance.js';
import type { BrokenRule } from './executor-node.js';
import type { ExecutionRecords } from './history.js';
import type { SimulatedIndex } from './index-node.js';
import type { Observer } from './observer.js';
import type { PlannedOperation } from './retention.js';
import { TENANT, type PlannedExecution } from './scenario.js';
import type { SeededRandom } from './random.js';

/** What was asked of executions after they had ended. */
export interface Later {
  /** Keys of executions that may be other than they were at their end, and of those that were made from one. */
  readonly touched: ReadonlySet<string>;
  /** Keys of executions of which a snapshot was sent. */
  readonly sent: ReadonlySet<string>;
  /** Labels that were set and acknowledged. */
  readonly labelled: ReadonlyMap<string, string>;
  readonly deleted: ReadonlySet<string>;
  isDone(): boolean;
}

const WEBSERVER = 'webserver';
const RETRY_MS = 100;
const LOOK_MS = 500;
/** A reply that has not come by then: the command is sent again, with its id. */
const PATIENCE_MS = 30_000;
/** As apps/webserver does. */
const SNAPSHOTS_MAX = 3;

/** Users who want something of executions that have ended; between them and the queue a webserver that has an index. */
export async function startLater(
  cluster: Cluster,
  observer: Observer,
  index: SimulatedIndex,
  broken: BrokenRule | undefined,
): Promise<Later> {
  const { clock, store, scenario, topics } = cluster;
  const faults = disturb(cluster, WEBSERVER, WEBSERVER, { frozenUntil: () => 0 });
  const webserver = new Webserver(cluster, observer, index, createMemoryQueue({ clock, store, faults }), broken);
  await webserver.queue.tail(topics.replies, {
    key: WEBSERVER,
    onRecord: ({ value }) => void (value && webserver.hear(value)),
  });
  for (const [number, operations] of scenario.retention?.operations ?? []) {
    const execution = scenario.executions[number];
    // How often the executions that it started run again is their own matter.
    if (execution?.flow.id.startsWith('flow-')) webserver.plan(execution, operations);
  }
  return webserver;
}

class Webserver implements Later {
  readonly touched = new Set<string>();
  readonly sent = new Set<string>();
  readonly labelled = new Map<string, string>();
  readonly deleted = new Set<string>();
  readonly #random: SeededRandom;
  readonly #waiting = new Map<string, (outcome: Reply['outcome']) => void>();
  #commands = 0;
  #open = 0;

  constructor(
    readonly cluster: Cluster,
    readonly observer: Observer,
    readonly index: SimulatedIndex,
    readonly queue: Queue,
    readonly broken: BrokenRule | undefined,
  ) {
    this.#random = cluster.random(WEBSERVER);
  }

  isDone = (): boolean => this.#open === 0;

  hear({ commandId, outcome }: Reply): void {
    this.#waiting.get(commandId)?.(outcome);
  }

  plan(execution: PlannedExecution, operations: readonly PlannedOperation[]): void {
    this.#open++;
    void this.#carryOut(execution, operations).then(() => this.#open--);
  }

  async #carryOut(execution: PlannedExecution, operations: readonly PlannedOperation[]): Promise<void> {
    const { id } = execution;
    for (const { kind, after } of operations) {
      await this.#end(id);
      await this.#wait(after);
      const key = keyOf(TENANT, id);
      if (this.deleted.has(key)) return;
      this.cluster.trace.line(`wants to ${kind} ${key}${this.observer.history.hasLeft(key) ? ', which has left' : ''}`);
      if (this.broken === 'asked-again') await this.#publish([this.#event(id, requestOf(execution, 0))]);
      await this.#operation(kind, execution, key);
    }
  }

  async #operation(kind: PlannedOperation['kind'], { id, plan }: PlannedExecution, key: string): Promise<void> {
    const { tenant, executionId } = { tenant: TENANT, executionId: id };
    switch (kind) {
      case 'kill':
        // It has ended: nothing comes of it.
        return this.#publish([this.#event(id, { kind: 'kill-requested', tenant, executionId })]);
      case 'restart':
        this.touched.add(key);
        return void (await this.#operate(id, { kind: 'restart' }));
      case 'delete':
        this.touched.add(key);
        if ((await this.#operate(id, { kind: 'delete' })) === 'accepted') this.deleted.add(key);
        return;
      case 'set-labels': {
        const value = String(++this.#commands);
        const outcome = await this.#operate(id, { kind: 'set-labels', labels: [{ key: 'later', value }] });
        if (outcome === 'accepted') this.labelled.set(key, value);
        return;
      }
      case 'replay': {
        const source = this.#recordsOf(key);
        const firsts = [...source.values()].filter(
          (record): record is TaskRun =>
            record.kind === 'task-run' && record.section === 'tasks' && record.parentId === undefined,
        );
        const [first] = firsts;
        if (first === undefined) return;
        const chosen = this.#random.pick([first, ...firsts.slice(1)]);
        const replay = derivedId('replay', id, ++this.#commands);
        const wish = { kind: 'replay', executionId: replay, at: this.cluster.clock.now(), plan } as const;
        const copy = copyForReplay(source, wish);
        const target = copy.idOf(chosen.id);
        this.touched.add(keyOf(TENANT, replay));
        if (target === undefined) return this.cluster.violation(`The replay of ${id} has no ${chosen.id}`);
        await this.#send(replay, copy.records);
        return void (await this.#operate(replay, { kind: 'replay', taskRunId: target }, copy.records));
      }
      default:
        return kind satisfies never;
    }
  }

  /** As apps/webserver asks for an operation: an owner that knows nothing of the execution gets its records. */
  async #operate(id: string, operation: ExecutionOperation, made?: ExecutionRecords): Promise<string> {
    const key = keyOf(TENANT, id);
    for (let sent = 0; ; sent++) {
      const outcome = await this.#ask(id, operation);
      if (outcome.kind !== 'refused' || outcome.reason !== 'unknown') return outcome.kind;
      const found = this.index.found.recordsOf(key);
      const records = found.has('head') ? found : (made ?? found);
      const head = records.get('head');
      const isThere =
        head?.kind === 'head' && isTerminal(head.state) && head.deleted !== true && records.has('created');
      if (!isThere || sent === SNAPSHOTS_MAX) {
        this.cluster.violation(`${operation.kind} of ${key} was refused: ${outcome.message}`);
        return outcome.kind;
      }
      await this.#send(id, records);
    }
  }

  async #ask(executionId: string, operation: ExecutionOperation): Promise<Reply['outcome']> {
    const commandId = `${WEBSERVER} ${++this.#commands}`;
    const at = this.cluster.clock.now();
    const value = { kind: 'operation-requested', tenant: TENANT, executionId, commandId, replyTo: WEBSERVER } as const;
    const command = this.#event(executionId, { ...value, at, operation });
    return new Promise((resolve) => {
      const again = (): void => {
        if (!this.#waiting.has(commandId) || this.cluster.isOver()) return;
        void this.#publish([command]);
        this.cluster.clock.after(PATIENCE_MS, again);
      };
      this.#waiting.set(commandId, (outcome) => {
        this.#waiting.delete(commandId);
        resolve(outcome);
      });
      again();
    });
  }

  /** A snapshot; in pieces that are smaller than a server's, so that there are several. */
  async #send(executionId: string, records: ExecutionRecords): Promise<void> {
    this.sent.add(keyOf(TENANT, executionId));
    const snapshot = `snapshot ${++this.#commands}`;
    const given = this.broken === 'half-a-snapshot' ? withoutOne(records) : records;
    const parts = snapshotParts(given, { tenant: TENANT, executionId }, snapshot).flatMap((part) => this.#split(part));
    this.cluster.trace.line(`sends ${executionId} in ${parts.length} parts`);
    await this.#publish(parts.map((part) => this.#event(executionId, part)));
  }

  #split(part: SnapshotPart): readonly SnapshotPart[] {
    const { begins: _begins, total, records, ...rest } = part;
    const entries = Object.entries(records);
    const cut = this.#random.between(1, entries.length);
    if (cut === entries.length) return [part];
    return [
      { ...rest, records: Object.fromEntries(entries.slice(0, cut)), ...(part.begins === true && { begins: true }) },
      { ...rest, records: Object.fromEntries(entries.slice(cut)), ...(total === undefined ? {} : { total }) },
    ];
  }

  /** What lists and the overlay show: of executions that have left, the index alone. */
  #recordsOf(key: string): ExecutionRecords {
    const { history } = this.observer;
    return (history.hasLeft(key) ? this.index.found : history).recordsOf(key);
  }

  #event = (executionId: string, value: ExecutionEvent): OutgoingRecord =>
    outgoing({ topic: this.cluster.topics.executionEvents, key: keyOf(TENANT, executionId), value });

  async #publish(records: readonly OutgoingRecord[]): Promise<void> {
    for (;;) {
      try {
        return await this.queue.publish(records);
      } catch {
        await this.#wait(RETRY_MS);
      }
    }
  }

  async #end(executionId: string): Promise<void> {
    while (!this.observer.hasEnded(executionId)) await this.#wait(LOOK_MS);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.cluster.clock.after(ms, resolve));
  }
}

/** Without the last task run, on purpose. */
function withoutOne(records: ExecutionRecords): ExecutionRecords {
  const last = [...records].findLast(([, { kind }]) => kind === 'task-run');
  return new Map([...records].filter(([id]: readonly [string, ExecutionRecord]) => id !== last?.[0]));
}
