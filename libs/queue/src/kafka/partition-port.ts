import { randomUUID } from 'node:crypto';
import type { Topic } from '@millrace/model';
import { QueueError, type StateRetention } from '../contract.js';
import type { Commit, Input, Lease, PartitionPort, StoredTopic, Tries } from '../shell/commit.js';
import type { Write } from '../store/faults.js';
import { asQueueError } from './failure.js';
import { Inbox } from './inbox.js';
import type { KafkaParts } from './parts.js';
import type { PartitionBatch } from './producer.js';
import { EARLIEST, LATEST, offsetAt, offsetsAt } from './range.js';
import { messageOf, positionKey, triesKey, type KafkaRecord } from './records.js';
import { offsetsOf, StateLog, type StateText } from './state-log.js';
import { TransactionalProducer } from './transaction.js';

/** Bytes of one batch (protocols.md part 1.5); a larger record goes alone. */
const BATCH_CHARACTERS = 512 * 1024;

const NO_KEYS: ReadonlySet<string> = new Set();

export interface PartitionPlace<Rec, Event> {
  readonly processor: string;
  readonly input: Topic<Event>;
  readonly stateTopics: readonly Topic<Rec>[];
  readonly partition: number;
  /** When the records of ended keys are removed; absent: never. */
  readonly retention?: StateRetention;
  /** The group has given the partition to this process and still confirms it. */
  isMine(): boolean;
  /** There are new events. */
  onInput(): void;
}

/**
 * One owned partition on Kafka (kafka.md part 6, protocols.md part 2): a transactional producer that fences the owner
 * before, state in compacted topics, the applied position in the same transaction, input read from that position.
 */
export class KafkaPartition<Rec, Event> implements PartitionPort<Rec, Event> {
  readonly #parts: KafkaParts;
  readonly #place: PartitionPlace<Rec, Event>;
  readonly #inbox: Inbox<Event>;
  readonly #state: StateLog;
  readonly #topics: ReadonlyMap<string, Topic<Rec>>;
  readonly #writing = new Set<Promise<unknown>>();
  #producer: TransactionalProducer | undefined;
  #epoch = 0;
  /** It has its turn to commit. */
  #isInside = false;
  #applied = 0;

  constructor(parts: KafkaParts, place: PartitionPlace<Rec, Event>) {
    this.#parts = parts;
    this.#place = place;
    this.#inbox = new Inbox(place.input);
    this.#topics = new Map(place.stateTopics.map((topic) => [topic.name, topic]));
    this.#state = new StateLog({
      wire: parts.wire,
      processor: place.processor,
      topics: place.stateTopics,
      nameOf: (topic) => parts.topics.nameOf(topic),
      partition: place.partition,
      ...(place.retention === undefined ? {} : { retention: place.retention }),
    });
  }

  /** The last input position that is committed. */
  get applied(): number {
    return this.#applied;
  }

  /** Nothing waits and nothing is being written. */
  get isIdle(): boolean {
    return this.#inbox.isEmpty && this.#writing.size === 0;
  }

  async take(): Promise<Lease | undefined> {
    const { processor, input, partition } = this.#place;
    const { connections, topics, wire, brokers } = this.#parts;
    await this.release();
    if (!this.#place.isMine()) return undefined;
    await this.#strike('lease', async () => {
      this.#producer = await TransactionalProducer.begin(connections, this.#transactionalId());
    });
    try {
      const standing = await this.#state.read();
      const name = topics.nameOf(input);
      const start = await offsetAt(wire, name, partition, EARLIEST);
      const end = (await offsetsAt(wire, name, [partition], LATEST, 'written')).get(partition) ?? 0;
      // A processor that is new begins with what is there.
      const { applied = start, now, tries } = standing;
      if (applied > end) throw logIsShorter(this.#place, applied, end);
      this.#applied = applied;
      this.#follow(name, applied);
      return {
        epoch: ++this.#epoch,
        appliedPosition: applied,
        now,
        logStart: start + 1,
        ...(tries === undefined ? {} : { tries }),
      };
    } catch (thrown) {
      await wire.recover(thrown);
      throw asQueueError(thrown, `The state of '${processor}' in partition ${partition} cannot be read`, brokers);
    }
  }

  async restore(each: (key: string, id: string, record: Rec) => void): Promise<void> {
    await this.#read(() => this.#state.restore((row) => each(row.key, row.id, this.#decode(row))));
  }

  load(key: string): Iterable<readonly [string, Rec]> | Promise<Iterable<readonly [string, Rec]>> {
    const rows = this.#state.load(key);
    if (!(rows instanceof Promise)) return [];
    return this.#read(async () => (await rows).map((row) => [row.id, this.#decode(row)] as const));
  }

  read(after: number, limit: number): readonly Input<Event>[] | Promise<readonly Input<Event>[]> {
    // Let go while nothing was under way: the owner takes the partition anew, or finds that it cannot.
    if (this.#producer === undefined) throw this.#takenAnew();
    const waiting = this.#inbox.read(after, limit);
    // What is read will be committed: partitions take turns before they decide, so that more comes together.
    if (waiting.length === 0 || this.#isInside) return waiting;
    const entered = this.#parts.gate.enter();
    if (entered === true) {
      this.#isInside = true;
      return waiting;
    }
    const producer = this.#producer;
    return entered.then(() => {
      this.#isInside = true;
      // Given up while it waited.
      if (this.#producer !== producer || producer === undefined) this.#leave();
      return this.#inbox.read(after, limit);
    });
  }

  recordTries(epoch: number, tries: Tries): Promise<void> {
    return this.#strike('tries', () => this.#writeAlone(epoch, triesKey(this.#place.processor), tries));
  }

  storePosition(epoch: number, position: number): Promise<void> {
    const standing = { applied: position, now: this.#parts.clock.now() };
    return this.#strike('position', () => this.#writeAlone(epoch, positionKey(this.#place.processor), standing));
  }

  commit(commit: Commit): Promise<void> {
    const topics = new Set([
      ...commit.states.map(({ topic }) => topic.name),
      ...commit.outgoing.map(({ topic }) => topic.name),
    ]);
    return this.#strike('commit', () => this.#commit(commit), [...topics]).finally(() => this.#leave());
  }

  removesAt(): number | undefined {
    return this.#state.removesAt();
  }

  async removeEnded(epoch: number, now: number, inMemory: (key: string) => boolean): Promise<void> {
    const removals = this.#state.removals(now, inMemory);
    if (removals.length === 0) return;
    const remove = async (): Promise<void> => {
      const batches = this.#state.batches(removals, NO_KEYS, this.#parts.clock.now());
      await this.#current(epoch).commit(batches.flatMap(cut));
      this.#state.wrote(removals, [], NO_KEYS, now);
    };
    await this.#strike(
      'commit',
      remove,
      removals.map(({ topic }) => topic.name),
    );
  }

  /** Lets go: the next owner need not wait for anything of this one. */
  async release(): Promise<void> {
    this.#leave();
    this.#inbox.reset(undefined);
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close().catch(() => undefined);
  }

  #leave(): void {
    if (!this.#isInside) return;
    this.#isInside = false;
    this.#parts.gate.leave();
  }

  #follow(topic: string, offset: number): void {
    const { reader } = this.#parts;
    const reading = reader.open({
      topic,
      partition: this.#place.partition,
      offset,
      onRecords: (records) => {
        if (records.length === 0) return;
        this.#inbox.offer(records);
        this.#place.onInput();
      },
      // Only an operator can have removed what was not applied: whoever takes the partition anew refuses to go on.
      onGap: () => void this.release().then(() => this.#place.onInput()),
    });
    this.#inbox.reset(reading);
  }

  async #commit(commit: Commit): Promise<void> {
    const producer = this.#current(commit.epoch);
    const { outgoing, clock } = this.#parts;
    const timestamp = clock.now();
    const ended = new Set(commit.ended);
    // What must be known to write elsewhere (topics that are new) is settled before the transaction begins.
    const elsewhere = await outgoing(commit.outgoing);
    const standing = { applied: commit.appliedPosition, now: commit.now };
    const position = this.#bookkeeping(positionKey(this.#place.processor), standing, timestamp);
    const states = this.#state.batches(commit.states, ended, timestamp);
    const pieces = [...withLast(states, position), ...batchesOf(elsewhere, timestamp, this.#parts)].map(cut);
    const written = await producer.commit(pieces.flat());
    this.#applied = commit.appliedPosition;
    let at = 0;
    const offsets = states.map((_, index) =>
      (pieces[index] ?? []).flatMap((piece) => {
        const place = written[at++];
        return place === undefined ? [] : offsetsOf(piece, place);
      }),
    );
    this.#state.wrote(commit.states, offsets, ended, timestamp);
  }

  /** The same for every owner of the partition: that is what fences. */
  #transactionalId(): string {
    const { topics, broken } = this.#parts;
    const id = `${topics.nameOf({ name: this.#place.processor })}-${this.#place.partition}`;
    return broken === 'no-fencing' ? `${id}-${randomUUID()}` : id;
  }

  #bookkeeping(key: string, value: object, timestamp: number): PartitionBatch {
    const [first] = this.#place.stateTopics;
    if (first === undefined) throw new Error(`'${this.#place.processor}' has no state topic to keep its position in`);
    return {
      topic: this.#parts.topics.nameOf(first),
      partition: this.#place.partition,
      messages: [{ key, value: JSON.stringify(value), timestamp }],
    };
  }

  async #writeAlone(epoch: number, key: string, value: object): Promise<void> {
    await this.#current(epoch).commit([this.#bookkeeping(key, value, this.#parts.clock.now())]);
  }

  #current(epoch: number): TransactionalProducer {
    if (this.#producer !== undefined && epoch === this.#epoch) return this.#producer;
    throw this.#takenAnew();
  }

  #takenAnew(): QueueError {
    return new QueueError('QUEUE_FENCED', `Partition ${this.#place.partition} was taken anew meanwhile`, false);
  }

  async #read<Answer>(read: () => Promise<Answer>): Promise<Answer> {
    const { wire, brokers } = this.#parts;
    try {
      return await read();
    } catch (thrown) {
      if (thrown instanceof QueueError) throw thrown;
      await wire.recover(thrown);
      throw asQueueError(thrown, `The state of '${this.#place.processor}' cannot be read`, brokers);
    }
  }

  #decode({ topic, key, id, text }: StateText): Rec {
    const known = this.#topics.get(topic.name);
    if (known === undefined) throw new Error(`'${topic.name}' is no state topic of '${this.#place.processor}'`);
    try {
      return known.decode(JSON.parse(text));
    } catch (thrown) {
      throw unreadable(this.#place, topic, key, id, thrown);
    }
  }

  /** Lets the faults of a test strike, and remembers that something is being written. */
  async #strike(kind: Write['kind'], write: () => Promise<void>, topics: readonly string[] = []): Promise<void> {
    const { faults, instance } = this.#parts;
    const point: Write = { kind, instance, processor: this.#place.processor, partition: this.#place.partition, topics };
    const work = (async () => {
      await faults?.before?.(point);
      await write();
      await faults?.after?.(point);
    })();
    this.#writing.add(work);
    try {
      await work;
    } finally {
      this.#writing.delete(work);
    }
  }
}

const unreadable = (
  { processor, partition, input }: { processor: string; partition: number; input: { name: string } },
  topic: Pick<StoredTopic, 'name'>,
  key: string,
  id: string,
  cause: unknown,
): QueueError =>
  new QueueError(
    'QUEUE_MISMATCH',
    `Record '${key}' '${id}' of '${topic.name}' cannot be read by this version; '${processor}' does not touch partition ${partition} of '${input.name}'`,
    false,
    cause,
  );

const logIsShorter = (
  { processor, partition, input }: { processor: string; partition: number; input: { name: string } },
  applied: number,
  end: number,
): QueueError =>
  new QueueError(
    'QUEUE_MISMATCH',
    `'${processor}' stopped after position ${applied} of partition ${partition} of '${input.name}', but the log ends at ${end}: ` +
      `the topic was made anew, or lost its end. Restore the queue from a backup, or choose another kafka.topic-prefix to start from what is there`,
    false,
  );

/** Outgoing records by partition, in their order. */
function batchesOf(records: readonly KafkaRecord[], timestamp: number, { topics }: KafkaParts): PartitionBatch[] {
  const batches = new Map<string, { topic: string; partition: number; messages: ReturnType<typeof messageOf>[] }>();
  for (const record of records) {
    const topic = topics.nameOf(record.topic);
    const name = `${topic}/${record.partition}`;
    let batch = batches.get(name);
    if (batch === undefined) batches.set(name, (batch = { topic, partition: record.partition, messages: [] }));
    batch.messages.push(messageOf(record, timestamp));
  }
  return [...batches.values()];
}

/** One more batch, together with the one for the same partition if there is one: a request less. */
function withLast(batches: readonly PartitionBatch[], last: PartitionBatch): PartitionBatch[] {
  const same = batches.findIndex(({ topic, partition }) => topic === last.topic && partition === last.partition);
  if (same < 0) return [...batches, last];
  return batches.map((batch, at) =>
    at === same ? { ...batch, messages: [...batch.messages, ...last.messages] } : batch,
  );
}

/** A batch in pieces that a broker takes. */
function cut({ topic, partition, messages }: PartitionBatch): PartitionBatch[] {
  const pieces: PartitionBatch[] = [];
  let from = 0;
  let characters = 0;
  messages.forEach(({ value }, at) => {
    const length = 100 + (value?.length ?? 0);
    if (at > from && characters + length > BATCH_CHARACTERS) {
      pieces.push({ topic, partition, messages: messages.slice(from, at) });
      from = at;
      characters = 0;
    }
    characters += length;
  });
  if (from < messages.length) pieces.push({ topic, partition, messages: messages.slice(from) });
  return pieces;
}
