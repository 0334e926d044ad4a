import { closedError } from '../shell/failure.js';
import { waitForBroker } from './broker-time.js';
import type { Wire } from './connections.js';
import { asQueueError, kafkaError } from './failure.js';
import type { KafkaLog } from './options.js';
import { newIdempotentProducer, type PartitionBatch, type SequencedProducer, type Written } from './producer.js';
import { messageOf, type KafkaRecord } from './records.js';

/** Bytes of one batch (protocols.md part 1.5); a larger record goes alone. */
const BATCH_BYTES = 512 * 1024;
/** So long a publish is tried until its caller is told that Kafka cannot be reached. */
const GIVE_UP_MS = 30_000;
/** The broker does not know this producer's numbers any more: a new producer starts from 0. */
const NUMBERING_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);

interface Waiting {
  readonly message: ReturnType<typeof messageOf>;
  readonly bytes: number;
  readonly call: Call;
}

interface Call {
  readonly since: number;
  left: number;
  lastWritten: Written | undefined;
  resolve(written: Written | undefined): void;
  reject(thrown: unknown): void;
}

/** The records that wait for one partition, and the batch that is on its way. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  waiting: Waiting[];
  sending: readonly Waiting[] | undefined;
  /** A batch whose answer was lost: repeated as it was, under the same numbers, or the broker would not recognise it. */
  again: readonly Waiting[] | undefined;
}

export interface PublisherOptions {
  readonly wire: Wire;
  readonly brokers: string;
  readonly log: KafkaLog;
  readonly now: () => number;
  readonly nameOf: (topic: { readonly name: string }) => string;
}

/**
 * Publishes outside of transactions. What comes while a broker is busy waits and goes out together: latency is one round
 * trip when idle, throughput grows with load. Order within a partition is kept, also over repeats.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #busy = new Map<string, Promise<void>>();
  #producer: Promise<SequencedProducer> | undefined;
  /** Grows when something is to be sent. */
  #version = 0;
  #written = 0;
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Batches written since the start. */
  get written(): number {
    return this.#written;
  }

  /** Nothing waits and nothing is on its way. */
  get isIdle(): boolean {
    return this.#busy.size === 0;
  }

  /** Where the last record was written; durable when it resolves. @throws QueueError QUEUE_UNAVAILABLE, QUEUE_CLOSED */
  publish(records: readonly KafkaRecord[]): Promise<Written | undefined> {
    if (this.#closed) return Promise.reject(closedError());
    if (records.length === 0) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const call: Call = { since: Date.now(), left: records.length, lastWritten: undefined, resolve, reject };
      const now = this.#options.now();
      for (const record of records) {
        const lane = this.#laneOf(this.#options.nameOf(record.topic), record.partition);
        const bytes = record.key.length + record.id.length + (record.text?.length ?? 0) + 100;
        lane.waiting.push({ message: messageOf(record, now), bytes, call });
      }
      this.#start();
    });
  }

  /** Sends what waits, then refuses everything. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
    await this.#options.wire.close();
  }

  /** What waits is dropped, as when the process ends. */
  abandon(): void {
    this.#closed = true;
    for (const lane of this.#lanes.values()) {
      this.#refuse([...(lane.sending ?? []), ...(lane.again ?? []), ...lane.waiting.splice(0)], closedError());
      lane.again = undefined;
    }
  }

  #laneOf(topic: string, partition: number): Lane {
    const name = `${topic}/${partition}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined)
      this.#lanes.set(name, (lane = { topic, partition, waiting: [], sending: undefined, again: undefined }));
    return lane;
  }

  #start(): void {
    this.#version++;
    if (!this.#busy.has('')) this.#busy.set('', this.#distribute());
  }

  /** Starts a loop at each broker that leads a partition with waiting records. */
  async #distribute(): Promise<void> {
    // All that is published in this turn of the event loop goes together.
    await Promise.resolve();
    for (let failures = 0; this.#isWaiting(); failures++) {
      try {
        const version = this.#version;
        const nodes = await this.#nodesWithWork();
        for (const nodeId of nodes.keys()) {
          if (!this.#busy.has(nodeId)) this.#busy.set(nodeId, this.#loop(nodeId));
        }
        // What was published meanwhile may be for a broker that has no loop.
        if (version === this.#version) break;
        failures = -1;
      } catch (thrown) {
        await this.#afterFailure(thrown, failures);
      }
    }
    this.#busy.delete('');
  }

  #isWaiting(): boolean {
    for (const lane of this.#lanes.values()) if (isReady(lane)) return true;
    return false;
  }

  async #nodesWithWork(): Promise<ReadonlyMap<string, Lane[]>> {
    const { wire } = this.#options;
    const ready = [...this.#lanes.values()].filter(isReady);
    if (ready.length > 0) await wire.know([...new Set(ready.map(({ topic }) => topic))]);
    const nodes = new Map<string, Lane[]>();
    for (const lane of ready) {
      // Taken by another broker's loop while the metadata came.
      if (lane.sending !== undefined) continue;
      const [nodeId] = wire.leaders(lane.topic, [lane.partition]).keys();
      if (nodeId !== undefined) nodes.set(nodeId, [...(nodes.get(nodeId) ?? []), lane]);
    }
    return nodes;
  }

  async #loop(nodeId: string): Promise<void> {
    for (let failures = 0; ;) {
      let lanes: readonly Lane[] = [];
      try {
        const nodes = await this.#nodesWithWork();
        for (const other of nodes.keys()) if (!this.#busy.has(other)) this.#busy.set(other, this.#loop(other));
        lanes = nodes.get(nodeId) ?? [];
        if (lanes.length === 0) break;
        await this.#send(nodeId, lanes);
        failures = 0;
      } catch (thrown) {
        await this.#afterFailure(thrown, failures++);
      }
    }
    this.#busy.delete(nodeId);
    if (this.#isWaiting()) this.#start();
  }

  async #send(nodeId: string, lanes: readonly Lane[]): Promise<void> {
    for (const lane of lanes) lane.sending = takeBatch(lane);
    const batches = lanes.map(({ topic, partition, sending = [] }): PartitionBatch => ({
      topic,
      partition,
      messages: sending.map(({ message }) => message),
    }));
    let written: readonly Written[];
    try {
      const producer = await this.#currentProducer();
      written = await this.#sendOnce(producer, nodeId, batches);
      for (const batch of batches) producer.advance(batch);
      this.#written += batches.length;
    } catch (thrown) {
      for (const lane of lanes) {
        lane.again = lane.sending;
        lane.sending = undefined;
      }
      if (NUMBERING_LOST.has(kafkaError(thrown) ?? '')) this.#producer = undefined;
      throw thrown;
    }
    lanes.forEach((lane, at) => {
      const sent = lane.sending ?? [];
      lane.sending = undefined;
      for (const { call } of sent) settle(call, written[at]);
    });
  }

  /** A repeat of what the broker has already is a success. */
  async #sendOnce(
    producer: SequencedProducer,
    nodeId: string,
    batches: readonly PartitionBatch[],
  ): Promise<readonly Written[]> {
    try {
      return await producer.send(nodeId, batches);
    } catch (thrown) {
      if (kafkaError(thrown) !== 'DUPLICATE_SEQUENCE_NUMBER') throw thrown;
      if (batches.length === 1) return [{ baseOffset: -1, logAppendTime: -1 }];
      // One of them is a repeat; the answer does not say which.
      const written: Written[] = [];
      for (const batch of batches) written.push(...(await this.#sendOnce(producer, nodeId, [batch])));
      return written;
    }
  }

  #currentProducer(): Promise<SequencedProducer> {
    this.#producer ??= newIdempotentProducer(this.#options.wire).catch((thrown: unknown) => {
      this.#producer = undefined;
      throw thrown;
    });
    return this.#producer;
  }

  async #afterFailure(thrown: unknown, failures: number): Promise<void> {
    const { brokers, log, wire } = this.#options;
    const failure = asQueueError(thrown, 'Records cannot be published', brokers);
    log.debug({ reason: failure.message }, 'A write failed; trying again');
    this.#giveUp(failure);
    if (this.#closed) return;
    await waitForBroker(failures);
    await wire.recover(thrown);
  }

  /** Calls that have waited too long, or can never succeed, are told. Their numbers may be taken: a new producer follows. */
  #giveUp(failure: ReturnType<typeof asQueueError>): void {
    const oldest = this.#closed || !failure.retryable ? Infinity : Date.now() - GIVE_UP_MS;
    for (const lane of this.#lanes.values()) {
      const all = [...(lane.again ?? []), ...lane.waiting];
      const refused = all.filter(({ call }) => call.since <= oldest);
      if (refused.length === 0) continue;
      lane.waiting = all.filter(({ call }) => call.since > oldest);
      lane.again = undefined;
      this.#producer = undefined;
      this.#refuse(refused, failure);
    }
  }

  #refuse(records: readonly Waiting[], failure: unknown): void {
    for (const { call } of records) call.reject(failure);
  }
}

const isReady = ({ waiting, sending, again }: Lane): boolean =>
  sending === undefined && (again !== undefined || waiting.length > 0);

/** As much as one batch holds, at least one record. */
function takeBatch(lane: Lane): readonly Waiting[] {
  const { again } = lane;
  lane.again = undefined;
  if (again !== undefined) return again;
  let bytes = 0;
  let count = 0;
  for (const { bytes: more } of lane.waiting) {
    if (count > 0 && bytes + more > BATCH_BYTES) break;
    bytes += more;
    count++;
  }
  return lane.waiting.splice(0, count);
}

function settle(call: Call, written: Written | undefined): void {
  call.lastWritten = written ?? call.lastWritten;
  call.left--;
  if (call.left === 0) call.resolve(call.lastWritten);
}
