import type { Clock, Topic } from '@millrace/model';
import { QueueError, type ProcessorDefinition, type RunningProcessor, type StateRetention } from '../contract.js';
import type { PartitionPort, StoredTopic } from '../shell/commit.js';
import { startPartition, type Partition } from '../shell/partition.js';
import type { PartitionOwner, QueueStore, StateRow } from './contract.js';
import { createInbox, type Inbox } from './inbox.js';
import { createFailure, isClosed } from '../shell/failure.js';
import type { Subscriptions } from './subscriptions.js';

/** What the parts of a queue share. */
export interface QueueParts {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly instance: string;
  readonly subscriptions: Subscriptions;
}

/** A processor that can also be dropped as a crash would drop it. */
export interface Processing extends RunningProcessor {
  abandon(): void;
}

/** Owns a fair share of the processor's partitions and runs it there, until closed. */
export async function startProcessing<State, Rec, Event, Fact, Effect, Context>(
  parts: QueueParts,
  definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
): Promise<Processing> {
  const { name, input, stateTopics } = definition.processor;
  checkPartitions(name, input, stateTopics);
  for (const topic of [input, ...stateTopics]) await parts.store.declare(topic);
  const processing = new OwnedShare(parts, definition);
  await processing.start();
  return processing;
}

class OwnedShare<State, Rec, Event, Fact, Effect, Context> implements Processing {
  readonly #parts: QueueParts;
  readonly #definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>;
  readonly #holder: Omit<PartitionOwner, 'partition'>;
  readonly #owned = new Map<number, { readonly running: Partition; readonly inbox: Inbox<Event> }>();
  readonly #failure = createFailure();
  readonly #unsubscribe: () => void;
  #rounds: Promise<void> = Promise.resolve();
  #cancelRound: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #abandoned = false;

  constructor(parts: QueueParts, definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>) {
    const { name, input } = definition.processor;
    this.#parts = parts;
    this.#definition = definition;
    this.#holder = { processor: name, input, instance: parts.instance };
    this.#unsubscribe = parts.subscriptions.add(input.name, (record) => {
      const owner = this.#owned.get(record.partition);
      owner?.inbox.offer(record);
      owner?.running.wake();
    });
  }

  get failed(): Promise<never> {
    return this.#failure.failed;
  }

  get name(): string {
    return this.#holder.processor;
  }

  get partitions(): readonly number[] {
    return [...this.#owned.keys()].sort((one, other) => one - other);
  }

  async start(): Promise<void> {
    try {
      await this.#round();
    } catch (thrown) {
      this.abandon();
      throw thrown;
    }
    this.#scheduleRound();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shutDown());
  }

  abandon(): void {
    this.#abandoned = true;
    this.#cancelRound?.();
    this.#unsubscribe();
    for (const { running } of this.#owned.values()) void running.stop();
  }

  #isOver(): boolean {
    return this.#abandoned || this.#closing !== undefined;
  }

  /** Renews what is owned, and evens the shares out. */
  async #round(): Promise<void> {
    const { take, giveUp } = await this.#parts.store.assign(this.#holder, [...this.#owned.keys()]);
    for (const partition of giveUp) await this.#release(partition);
    for (const partition of take) {
      if (!this.#owned.has(partition) && !this.#isOver()) await this.#own(partition);
    }
  }

  #scheduleRound(): void {
    const { store, clock } = this.#parts;
    if (store.leaseMs === undefined || this.#isOver()) return;
    this.#cancelRound = clock.after(store.leaseMs / 4, () => {
      this.#rounds = this.#round()
        .catch((thrown: unknown) => {
          // What may pass is tried again in the next round, well before the lease is over.
          if (!this.#isOver() && thrown instanceof QueueError && !thrown.retryable) this.#failure.fail(thrown);
        })
        .then(() => this.#scheduleRound());
    });
  }

  async #own(partition: number): Promise<void> {
    const { store, clock } = this.#parts;
    const { input, stateTopics } = this.#definition.processor;
    const owner: PartitionOwner = { ...this.#holder, partition };
    const lease = await store.takePartition(owner);
    if (lease === undefined) return;
    const inbox = createInbox(input, partition, store);
    const read = (after: number, limit: number) => inbox.read(after, limit);
    const { retention } = this.#definition;
    const port = {
      ...createPort(store, owner, input, stateTopics, read),
      ...(retention && removalOf(store, owner, stateTopics, retention)),
    };
    const running = startPartition(this.#definition, port, { partition, clock, lease });
    this.#owned.set(partition, { running, inbox });
    const forget = (): void => {
      if (this.#owned.get(partition)?.running === running) this.#owned.delete(partition);
    };
    running.ended.then(forget, (thrown: unknown) => {
      forget();
      if (!this.#isOver()) this.#failure.fail(thrown);
    });
  }

  async #release(partition: number): Promise<void> {
    const running = this.#owned.get(partition)?.running;
    if (running === undefined) return;
    await running.stop();
    await this.#parts.store.releasePartition({ ...this.#holder, partition }, running.epoch());
  }

  async #shutDown(): Promise<void> {
    this.#cancelRound?.();
    await this.#rounds;
    this.#unsubscribe();
    for (const partition of [...this.#owned.keys()]) await this.#release(partition).catch(ignoreClosed);
    await this.#parts.store.leave(this.#holder).catch(ignoreClosed);
  }
}

/** A key's records must lie in the partition of its events, or restore would miss them. */
export function checkPartitions(
  processor: string,
  input: Pick<Topic<unknown>, 'name' | 'partitions'>,
  topics: readonly Pick<Topic<unknown>, 'name' | 'partitions'>[],
): void {
  const other = topics.find((topic) => topic.partitions !== input.partitions);
  if (other === undefined) return;
  throw new QueueError(
    'QUEUE_MISMATCH',
    `'${processor}' reads '${input.name}' with ${input.partitions} partitions and keeps state in '${other.name}' with ${other.partitions}: give both topics the same number`,
    false,
  );
}

function createPort<Rec, Event>(
  store: QueueStore,
  owner: PartitionOwner,
  input: Topic<Event>,
  stateTopics: readonly Topic<Rec>[],
  read: PartitionPort<Rec, Event>['read'],
): PartitionPort<Rec, Event> {
  const topics = new Map(stateTopics.map((topic) => [topic.name, topic]));
  const decode = ({ topic, key, id, text }: StateRow): Rec => {
    const known = topics.get(topic.name);
    if (known === undefined) throw new Error(`'${topic.name}' is no state topic of '${owner.processor}'`);
    try {
      return known.decode(JSON.parse(text));
    } catch (thrown) {
      throw new QueueError(
        'QUEUE_MISMATCH',
        `Record '${key}' '${id}' of '${topic.name}' cannot be read by this version; '${owner.processor}' does not touch partition ${owner.partition} of '${input.name}'`,
        false,
        thrown,
      );
    }
  };
  const entriesOf = (rows: readonly StateRow[]) => rows.map((row) => [row.id, decode(row)] as const);
  return {
    read,
    take: () => store.takePartition(owner),
    restore: (each) => store.restore(owner, stateTopics, (row) => each(row.key, row.id, decode(row))),
    load(key) {
      const rows = store.load(stateTopics, owner.partition, key);
      return rows instanceof Promise ? rows.then(entriesOf) : entriesOf(rows);
    },
    recordTries: (epoch, tries) => store.recordTries(owner, epoch, tries),
    storePosition: (epoch, position) => store.storePosition(owner, epoch, position),
    commit: (commit) => store.commit(commit),
  };
}

/** Of a store that keeps what has ended: nothing. */
function removalOf(
  store: QueueStore,
  owner: PartitionOwner,
  topics: readonly StoredTopic[],
  retention: StateRetention,
): Pick<PartitionPort<unknown, unknown>, 'removesAt' | 'removeEnded'> {
  if (store.removeEnded === undefined) return {};
  return {
    removesAt: () => store.removesAt?.(owner, topics, retention),
    removeEnded: async (epoch, now, inMemory) =>
      store.removeEnded?.(owner, topics, retention, { epoch, now, inMemory }),
  };
}

const ignoreClosed = (thrown: unknown): void => {
  if (!isClosed(thrown)) throw thrown;
};
