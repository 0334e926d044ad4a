import { QueueError } from '../contract.js';
import { closedError } from '../shell/failure.js';
import { waitForBroker } from './broker-time.js';
import type { Wire } from './connections.js';
import { asQueueError, kafkaError } from './failure.js';
import type { KafkaLog } from './options.js';
import { newIdempotentProducer, type PartitionBatch, type SequencedProducer, type Written } from './producer.js';
import { messageOf, type KafkaRecord } from './records.js';
import { MESSAGE_BYTES_LEAST } from './topics.js';

/** Bytes of one batch (protocols.md part 1.5); a larger record goes alone. */
const BATCH_BYTES = 512 * 1024;
/** What Kafka stores with a record besides its key and value. */
const RECORD_OVERHEAD_BYTES = 100;
/** So long a publish is tried until its caller is told that Kafka cannot be reached. */
const GIVE_UP_MS = 30_000;
/** The broker does not know this producer's numbers any more: a new producer starts from 0. */
const NUMBERING_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
/** No repeat changes the answer. */
const NEVER_WRITTEN = new Set([
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);
/** The broker has a batch already, and does not say any more where. */
const SOMEWHERE: Written = { baseOffset: -1, logAppendTime: -1 };

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

/** The records that wait for one partition, and the batch that is to be written before them. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  waiting: Waiting[];
  /** Repeated as it is, under the same numbers, until it is written or given up: only so does the broker recognise it. */
  batch: readonly Waiting[];
  /** Who has numbered the batch. The next batch may be another producer's. */
  producer: SequencedProducer | undefined;
  /** The batch is on its way, or was refused and waits before it is sent again. */
  isTaken: boolean;
  /** How often in a row its batch was refused. */
  refusals: number;
}

/** A lane whose batch was not written as far as is known, and why. */
interface Refusal {
  readonly lane: Lane;
  readonly thrown: unknown;
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
 * trip when idle, throughput grows with load. Order within a partition is kept, also over repeats. A partition whose
 * records are refused holds up no other.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Everything under way. */
  readonly #work = new Set<Promise<void>>();
  /** Brokers that have a request to answer, or did not answer and are left alone for a moment. */
  readonly #busy = new Set<string>();
  /** Requests in a row that a broker did not answer. */
  readonly #silences = new Map<string, number>();
  /** Numbers the batches that are new. */
  #producer: SequencedProducer | undefined;
  #beginning: Promise<SequencedProducer> | undefined;
  /** Grows when something is to be sent. */
  #version = 0;
  #isDistributing = false;
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
    return this.#work.size === 0;
  }

  /**
   * Where the last record was written; durable when it resolves. When it rejects, some records may be written.
   * @throws QueueError QUEUE_UNAVAILABLE, QUEUE_CLOSED, QUEUE_MISMATCH, QUEUE_TOO_LARGE
   */
  publish(records: readonly KafkaRecord[]): Promise<Written | undefined> {
    if (this.#closed) return Promise.reject(closedError());
    if (records.length === 0) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const call: Call = { since: Date.now(), left: records.length, lastWritten: undefined, resolve, reject };
      const now = this.#options.now();
      for (const record of records) {
        const message = messageOf(record, now);
        const lane = this.#laneOf(this.#options.nameOf(record.topic), record.partition);
        lane.waiting.push({ message, bytes: bytesOf(message), call });
      }
      this.#start();
    });
  }

  /** Sends what waits, then refuses everything. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#work.size > 0) await Promise.all(this.#work);
    await this.#options.wire.close();
  }

  /** What waits is dropped, as when the process ends. */
  abandon(): void {
    this.#closed = true;
    for (const lane of this.#lanes.values()) refuse([...lane.batch, ...lane.waiting.splice(0)], closedError());
  }

  #laneOf(topic: string, partition: number): Lane {
    const name = `${topic}/${partition}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = { topic, partition, waiting: [], ...IDLE }));
    return lane;
  }

  #start(): void {
    this.#version++;
    if (this.#isDistributing) return;
    this.#isDistributing = true;
    this.#track(this.#distribute());
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  /** Gives each broker that is free the batches of the partitions it leads. Nobody else takes lanes: each has one owner. */
  async #distribute(): Promise<void> {
    // All that is published in this turn of the event loop goes together.
    await Promise.resolve();
    for (let version = -1, failures = 0; version !== this.#version;) {
      version = this.#version;
      const ready = this.#ready();
      try {
        const unknown = await this.#learn([...new Set(ready.map(({ topic }) => topic))]);
        // What was given up meanwhile has nothing to send.
        const { nodes, refusals } = this.#byLeader(ready.filter(isReady), unknown);
        for (const { lane } of refusals) take(lane);
        if (refusals.length > 0) this.#track(this.#setAside(refusals));
        for (const [nodeId, lanes] of nodes) {
          if (this.#busy.has(nodeId)) continue;
          for (const lane of lanes) take(lane);
          this.#busy.add(nodeId);
          this.#track(this.#sendTo(nodeId, lanes));
        }
        failures = 0;
      } catch (thrown) {
        version = -1;
        await this.#pause(ready, thrown, failures++);
      }
    }
    this.#isDistributing = false;
  }

  #ready(): Lane[] {
    return [...this.#lanes.values()].filter(isReady);
  }

  /** Learns who leads the topics; answers why it could not be learnt, by topic. @throws when no broker answers */
  async #learn(topics: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    try {
      if (topics.length > 0) await this.#options.wire.know(topics);
      return new Map();
    } catch (thrown) {
      if (kafkaError(thrown) === undefined) throw thrown;
      if (topics.length === 1) return new Map(topics.map((topic) => [topic, thrown]));
    }
    // The answer does not say which of them it is about.
    const unknown = new Map<string, unknown>();
    for (const topic of topics) {
      for (const [name, thrown] of await this.#learn([topic])) unknown.set(name, thrown);
    }
    return unknown;
  }

  #byLeader(lanes: readonly Lane[], unknown?: ReadonlyMap<string, unknown>) {
    const nodes = new Map<string, Lane[]>();
    const refusals: Refusal[] = [];
    for (const lane of lanes) {
      try {
        const [nodeId] = this.#options.wire.knownLeaders(lane.topic, [lane.partition]).keys();
        if (nodeId === undefined) throw new Error(`No broker leads partition ${lane.partition} of '${lane.topic}'`);
        nodes.set(nodeId, [...(nodes.get(nodeId) ?? []), lane]);
      } catch (thrown) {
        refusals.push({ lane, thrown: unknown?.get(lane.topic) ?? thrown });
      }
    }
    return { nodes, refusals };
  }

  async #sendTo(nodeId: string, lanes: readonly Lane[]): Promise<void> {
    const refusals = await this.#send(nodeId, lanes);
    const answered = refusals.filter(({ thrown }) => kafkaError(thrown) !== undefined);
    if (answered.length > 0) this.#track(this.#setAside(answered));
    const lost = refusals.filter((refusal) => !answered.includes(refusal));
    const silences = this.#silences.get(nodeId) ?? 0;
    this.#silences.set(nodeId, lost.length > 0 ? silences + 1 : 0);
    if (lost[0] !== undefined) {
      for (const { lane } of lost) lane.isTaken = false;
      // It concerns whatever else this broker was to be sent.
      const ofNode = this.#byLeader(this.#ready()).nodes.get(nodeId) ?? [];
      await this.#pause(new Set([...lost.map(({ lane }) => lane), ...ofNode]), lost[0].thrown, silences);
    }
    this.#busy.delete(nodeId);
    this.#start();
  }

  /** Sends the lanes' batches; answers those that are not known to be written. Never rejects. */
  async #send(nodeId: string, lanes: readonly Lane[]): Promise<readonly Refusal[]> {
    let current: SequencedProducer;
    try {
      current = await this.#currentProducer();
    } catch (thrown) {
      return lanes.map((lane) => ({ lane, thrown }));
    }
    // A request has one producer. A lane that was refused may be again, and would have all others of its request repeated.
    const requests = new Map<string, { readonly producer: SequencedProducer; readonly lanes: Lane[] }>();
    for (const lane of lanes) {
      const producer = (lane.producer ??= current);
      const name = `${producer.identity.producerId} ${lane.refusals > 0}`;
      const request = requests.get(name) ?? { producer, lanes: [] };
      requests.set(name, request);
      request.lanes.push(lane);
    }
    const refusals = await Promise.all(
      [...requests.values()].map((one) => this.#write(nodeId, one.producer, one.lanes)),
    );
    return refusals.flat();
  }

  async #write(nodeId: string, producer: SequencedProducer, lanes: readonly Lane[]): Promise<readonly Refusal[]> {
    try {
      const written = await producer.send(nodeId, lanes.map(toBatch));
      lanes.forEach((lane, at) => this.#settle(lane, producer, written[at]));
      return [];
    } catch (thrown) {
      const type = kafkaError(thrown);
      if (type !== undefined && lanes.length > 1) {
        // The answer does not say which of them it is about. What is written already is recognised by its numbers.
        return (await Promise.all(lanes.map((lane) => this.#write(nodeId, producer, [lane])))).flat();
      }
      if (type !== 'DUPLICATE_SEQUENCE_NUMBER') return lanes.map((lane) => ({ lane, thrown }));
      for (const lane of lanes) this.#settle(lane, producer, SOMEWHERE);
      return [];
    }
  }

  #settle(lane: Lane, producer: SequencedProducer, written: Written | undefined): void {
    producer.advance(toBatch(lane));
    this.#written++;
    for (const { call } of lane.batch) {
      call.lastWritten = written ?? call.lastWritten;
      call.left--;
      if (call.left === 0) call.resolve(call.lastWritten);
    }
    Object.assign(lane, IDLE);
  }

  async #currentProducer(): Promise<SequencedProducer> {
    if (this.#producer !== undefined) return this.#producer;
    this.#beginning ??= newIdempotentProducer(this.#options.wire).finally(() => (this.#beginning = undefined));
    return (this.#producer = await this.#beginning);
  }

  /** Batches are numbered anew from now on, but for those under way: only by their own producer are they recognised. */
  #renumber(lane: Lane): void {
    if (lane.producer === this.#producer) this.#producer = undefined;
    lane.producer = undefined;
  }

  /** Lanes that were refused, each for its own reason, are ready again after a moment; the others go on meanwhile. */
  async #setAside(refusals: readonly Refusal[]): Promise<void> {
    for (const { lane, thrown } of refusals) {
      if (NUMBERING_LOST.has(kafkaError(thrown) ?? '')) this.#renumber(lane);
      this.#giveUp(lane, this.#failureOf(thrown, lane));
    }
    const left = refusals.filter(({ lane }) => lane.batch.length > 0);
    if (left[0] !== undefined) {
      await waitForBroker(Math.min(...left.map(({ lane }) => lane.refusals)));
      await this.#options.wire.recover(left[0].thrown);
    }
    for (const { lane } of left) {
      lane.refusals++;
      lane.isTaken = false;
    }
    this.#start();
  }

  /** No answer came: nobody knows what was written. */
  async #pause(lanes: Iterable<Lane>, thrown: unknown, failures: number): Promise<void> {
    for (const lane of lanes) this.#giveUp(lane, this.#failureOf(thrown, lane));
    await waitForBroker(failures);
    await this.#options.wire.recover(thrown);
  }

  /** Calls that have waited too long, or can never succeed, are told. */
  #giveUp(lane: Lane, failure: QueueError): void {
    this.#options.log.debug({ topic: lane.topic, reason: failure.message }, 'A write failed');
    const oldest = this.#closed ? Infinity : Date.now() - GIVE_UP_MS;
    const isOver = ({ call }: Waiting): boolean => call.since <= oldest;
    refuse(lane.waiting.filter(isOver), failure);
    lane.waiting = lane.waiting.filter((record) => !isOver(record));
    refuse(failure.retryable ? lane.batch.filter(isOver) : lane.batch, failure);
    // As long as one of its calls waits, a batch is repeated as it was: of a part the broker would know nothing.
    if (failure.retryable && !lane.batch.every(isOver)) return;
    // Counted as written, which it may be. If it is not, the broker misses its numbers, and a new producer follows.
    if (lane.batch.length > 0) lane.producer?.advance(toBatch(lane));
    Object.assign(lane, IDLE);
  }

  #failureOf(thrown: unknown, { topic, batch }: Lane): QueueError {
    const type = kafkaError(thrown) ?? '';
    if (TOO_LARGE.has(type)) {
      const bytes = batch.reduce((sum, record) => sum + record.bytes, 0);
      const advice = `set its max.message.bytes to at least ${MESSAGE_BYTES_LEAST}`;
      return new QueueError(
        'QUEUE_TOO_LARGE',
        `Topic '${topic}' does not take ${bytes} bytes: ${advice}`,
        false,
        thrown,
      );
    }
    const failure = asQueueError(thrown, `Records of '${topic}' cannot be published`, this.#options.brokers);
    return NEVER_WRITTEN.has(type) ? new QueueError('QUEUE_MISMATCH', failure.message, false, thrown) : failure;
  }
}

/** A lane whose batch is done with. */
const IDLE = { batch: [], producer: undefined, isTaken: false, refusals: 0 } satisfies Partial<Lane>;

const isReady = ({ waiting, batch, isTaken }: Lane): boolean => !isTaken && batch.length + waiting.length > 0;

/** As much as one batch holds, at least one record; or once more what was not written. */
function take(lane: Lane): void {
  lane.isTaken = true;
  if (lane.batch.length > 0) return;
  let bytes = 0;
  let count = 0;
  for (const { bytes: more } of lane.waiting) {
    if (count > 0 && bytes + more > BATCH_BYTES) break;
    bytes += more;
    count++;
  }
  lane.batch = lane.waiting.splice(0, count);
}

const toBatch = ({ topic, partition, batch }: Lane): PartitionBatch => ({
  topic,
  partition,
  messages: batch.map(({ message }) => message),
});

const bytesOf = ({ key, value }: Waiting['message']): number =>
  Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? '') + RECORD_OVERHEAD_BYTES;

function refuse(records: readonly Waiting[], failure: unknown): void {
  for (const { call } of records) call.reject(failure);
}
