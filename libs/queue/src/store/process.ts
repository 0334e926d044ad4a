import type { Clock, Topic } from '@millrace/model';
import { QueueError, type ProcessorDefinition, type Running } from '../contract.js';
import type { PartitionPort } from '../shell/commit.js';
import { startPartition, type Partition } from '../shell/partition.js';
import type { PartitionOwner, QueueStore, StateRow } from './contract.js';
import { createInbox, type Inbox } from './inbox.js';
import { createFailure, isClosed } from './failure.js';
import type { Subscriptions } from './subscriptions.js';

/** What the parts of a queue share. */
export interface QueueParts {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly instance: string;
  readonly subscriptions: Subscriptions;
}

/** A processor that can also be dropped as a crash would drop it. */
export interface Processing extends Running {
  abandon(): void;
}

/** Owns a fair share of the processor's partitions and runs it there, until closed. */
export async function startProcessing<State, Rec, Event, Fact, Effect, Context>(
  parts: QueueParts,
  definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
): Promise<Processing> {
  const { store, clock, instance, subscriptions } = parts;
  const { name: processor, input, stateTopics } = definition.processor;
  checkPartitions(processor, input, stateTopics);
  for (const topic of [input, ...stateTopics]) await store.declare(topic);
  const owned = new Map<number, { readonly running: Partition; readonly inbox: Inbox<Event> }>();
  const failure = createFailure();
  const holder = { processor, input, instance };
  let closing: Promise<void> | undefined;
  let abandoned = false;
  let cancelRound: (() => void) | undefined;

  async function own(partition: number): Promise<void> {
    const owner: PartitionOwner = { ...holder, partition };
    const lease = await store.takePartition(owner);
    if (lease === undefined) return;
    const inbox = createInbox(input, partition, store);
    const port = createPort(store, owner, input, stateTopics, (after, limit) => inbox.read(after, limit));
    const running = startPartition(definition, port, { partition, clock, lease });
    owned.set(partition, { running, inbox });
    const forget = (): void => {
      if (owned.get(partition)?.running === running) owned.delete(partition);
    };
    running.ended.then(forget, (thrown: unknown) => {
      forget();
      if (!abandoned && closing === undefined) failure.fail(thrown);
    });
  }

  async function release(partition: number): Promise<void> {
    const running = owned.get(partition)?.running;
    if (running === undefined) return;
    await running.stop();
    await store.releasePartition({ ...holder, partition }, running.epoch());
  }

  async function round(): Promise<void> {
    const { take, giveUp } = await store.assign(holder, [...owned.keys()]);
    for (const partition of giveUp) await release(partition);
    for (const partition of take)
      if (!owned.has(partition) && closing === undefined && !abandoned) await own(partition);
  }

  function scheduleRound(leaseMs: number): void {
    cancelRound = clock.after(leaseMs / 4, () => {
      rounds = round()
        .then(
          () => undefined,
          (thrown: unknown) => {
            if (!abandoned && closing === undefined && !isPassing(thrown)) failure.fail(thrown);
          },
        )
        .then(() => {
          if (closing === undefined && !abandoned) scheduleRound(leaseMs);
        });
    });
  }

  async function shutDown(): Promise<void> {
    cancelRound?.();
    await rounds;
    cancelRound?.();
    unsubscribe();
    for (const partition of [...owned.keys()]) await release(partition).catch(ignoreClosed);
    await store.leave(holder).catch(ignoreClosed);
  }

  const unsubscribe = subscriptions.add(input.name, (record) => {
    const owner = owned.get(record.partition);
    owner?.inbox.offer(record);
    owner?.running.wake();
  });
  let rounds: Promise<void> = Promise.resolve();
  await round();
  if (store.leaseMs !== undefined) scheduleRound(store.leaseMs);
  return {
    failed: failure.failed,
    close: () => (closing ??= shutDown()),
    abandon() {
      abandoned = true;
      cancelRound?.();
      unsubscribe();
      for (const { running } of owned.values()) void running.stop();
    },
  };
}

/** A key's records must lie in the partition of its events, or restore would miss them. */
function checkPartitions(
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

const isPassing = (thrown: unknown): boolean => !(thrown instanceof QueueError) || thrown.retryable;

const ignoreClosed = (thrown: unknown): void => {
  if (!isClosed(thrown)) throw thrown;
};
