import type { Admin } from 'kafkajs';
import type { OutgoingRecord, Topic } from '@millrace/model';
import {
  QueueError,
  type ConsumeOptions,
  type LogQueue,
  type Queue,
  type Running,
  type Tail,
  type TailFromOptions,
  type TailOptions,
  type View,
  type Worker,
  type WorkOptions,
} from '../contract.js';
import { DEAD_LETTERS } from '../shell/dead-letter.js';
import type { EncodedRecord } from '../shell/commit.js';
import { encode } from '../shell/encode.js';
import { closedError } from '../shell/failure.js';
import type { Faults } from '../store/faults.js';
import { backlogOf } from './backlog.js';
import { delay } from './broker-time.js';
import { checkClock } from './clock-check.js';
import { createCommitGate } from './commit-gate.js';
import { startConsuming, type KafkaConsuming } from './consume.js';
import { createConnections, type Connections } from './connections.js';
import { waitForBroker } from './broker-time.js';
import { isAway, isLeaderless, startFailure } from './failure.js';
import { createFeeds } from './feeds.js';
import { createJobPlacing, removedTopic } from './job-topics.js';
import { startWorking, type KafkaWorking } from './work.js';
import type { DeclaredTopic, KafkaQueueOptions } from './options.js';
import type { KafkaParts } from './parts.js';
import { startProcessing, type KafkaProcessing } from './process.js';
import { Publisher } from './publisher.js';
import { LogReader } from './reader.js';
import { openTail, openTailFrom, openView } from './reading.js';
import { createSlotBoard, SLOTS_TOPIC, type SlotBoard } from './slot-board.js';
import { createTopicCatalog } from './topics.js';

const CLOCK_CHECK_MS = 60_000;
/**
 * A server that starts waits so long for a cluster of which some brokers answer: one of them may just have gone, and the others
 * take its place within seconds. Where nobody answers it says so at once.
 */
const START_PATIENCE_MS = 30_000;
/** Rounds of `quiet` without any progress until it no longer waits for what is held up. */
const STILL_ROUNDS = 60;

/** A queue on Kafka, and what tests need besides. */
export interface KafkaQueue extends LogQueue {
  /**
   * Adds partitions to topics that are placed by execution, for the cluster has agreed on so many. Whoever comes first makes
   * them. The topics' `cluster` is told afterwards.
   * @throws QueueError QUEUE_MISMATCH, QUEUE_UNAVAILABLE
   */
  grow(topics: readonly DeclaredTopic[], partitions: number): Promise<void>;
  /** The process is gone: connections break, nothing is flushed, no group is left. */
  kill(): void;
  /** Resolves when nothing is on its way: all that was written was read here, and nothing here waits or is being written. */
  quiet(): Promise<void>;
}

/** What only tests ask for. */
export interface Disturbances {
  readonly faults?: Faults;
  /** Broken on purpose, to show that checks would notice: an owner does not fence the one before it. */
  readonly broken?: 'no-fencing';
}

/**
 * The queue on Kafka (docs/queue.md). Connects, makes or checks the topics, compares the clocks.
 * @throws QueueError with one sentence that says what to do, when this installation cannot be used
 */
export async function createKafkaQueue(
  options: KafkaQueueOptions,
  disturbances: Disturbances = {},
): Promise<KafkaQueue> {
  const { connection, log } = options;
  const secured = { tls: connection.tls !== undefined, sasl: connection.sasl !== undefined };
  const patientUntil = Date.now() + START_PATIENCE_MS;
  for (let failures = 0; ; failures++) {
    const connections = createConnections(connection, log);
    let hasAnswered = false;
    try {
      const { parts, board, close } = await openParts(options, connections, disturbances);
      hasAnswered = true;
      const jobs = options.topics.filter(({ kind }) => kind === 'jobs').map(removedTopic);
      await parts.topics.ensure([...options.topics, ...jobs, DEAD_LETTERS, SLOTS_TOPIC]);
      await checkClock(parts, options.clockToleranceMs);
      return new OpenQueue(parts, board, close, options);
    } catch (thrown) {
      connections.sever();
      const failure = startFailure(thrown, connections.brokers, secured);
      const mayPass = failure.retryable && hasAnswered && (isAway(thrown) || isLeaderless(thrown));
      if (!mayPass || Date.now() >= patientUntil) throw failure;
      if (failures === 0) log.warn({ reason: failure.message }, 'Kafka cannot be used at the moment; trying again');
      await waitForBroker(failures);
    }
  }
}

async function openParts(options: KafkaQueueOptions, connections: Connections, disturbances: Disturbances) {
  const { clock, instance, log, group, topicSettings } = options;
  const { brokers } = connections;
  const [wire, reading, publishing] = await Promise.all([connections.open(), connections.open(), connections.open()]);
  const admin = connections.admin();
  await admin.connect();
  const topics = createTopicCatalog({ admin, settings: topicSettings, brokers, log });
  const reader = new LogReader(reading, log);
  const feeds = createFeeds({ reader, wire, topics, brokers, log });
  const board = createSlotBoard(feeds);
  const publisher = new Publisher({
    wire: publishing,
    brokers,
    log,
    now: () => clock.now(),
    nameOf: (topic) => topics.nameOf(topic),
  });
  const parts: KafkaParts = {
    clock,
    instance,
    brokers,
    connections,
    wire,
    reader,
    feeds,
    topics,
    publisher,
    gate: createCommitGate(),
    group,
    log,
    admin: (): Promise<Admin> => Promise.resolve(admin),
    outgoing: createJobPlacing({ topics, board }),
    ...disturbances,
  };
  const close = async (): Promise<void> => {
    board.close();
    feeds.close();
    await publisher.close();
    await Promise.all([reader.close(), wire.close(), admin.disconnect()]);
    // A request that was under way may have connected anew meanwhile, and would keep the process alive.
    connections.sever();
  };
  return { parts, board, close };
}

class OpenQueue implements KafkaQueue {
  readonly #parts: KafkaParts;
  readonly #board: SlotBoard;
  readonly #closeParts: () => Promise<void>;
  readonly #processors = new Set<KafkaProcessing>();
  readonly #workers = new Set<KafkaWorking>();
  readonly #consumers = new Set<KafkaConsuming>();
  readonly #clockTimer: ReturnType<typeof setInterval>;
  #closing: Promise<void> | undefined;
  #killed = false;

  constructor(
    parts: KafkaParts,
    board: SlotBoard,
    close: () => Promise<void>,
    { clockToleranceMs }: KafkaQueueOptions,
  ) {
    this.#parts = parts;
    this.#board = board;
    this.#closeParts = close;
    this.#clockTimer = setInterval(() => void this.#checkClock(clockToleranceMs), CLOCK_CHECK_MS);
    this.#clockTimer.unref();
  }

  publish = async (records: readonly OutgoingRecord[]): Promise<void> => {
    this.#assertOpen();
    const encoded: EncodedRecord[] = [];
    for (const record of records) encode(record, encoded);
    if (encoded.length === 0) return;
    const { faults, instance, publisher, outgoing } = this.#parts;
    const point = { kind: 'publish', instance, topics: [...new Set(encoded.map(({ topic }) => topic.name))] } as const;
    await faults?.before?.(point);
    const placed = outgoing(encoded);
    await publisher.publish(placed instanceof Promise ? await placed : placed);
    const events = encoded.filter(({ topic }) => topic.kind === 'events');
    for (let copy = faults?.copies?.(point) ?? 1; copy > 1 && events.length > 0; copy--)
      await publisher.publish(events);
    await faults?.after?.(point);
  };

  process: Queue['process'] = async (definition) => {
    this.#assertOpen();
    return this.#keep(this.#processors, await startProcessing(this.#parts, definition));
  };

  work = async (options: WorkOptions): Promise<Worker> => {
    this.#assertOpen();
    return this.#keep(this.#workers, await startWorking(this.#parts, this.#board, options));
  };

  view = async <Value>(topic: Topic<Value>): Promise<View<Value>> => {
    this.#assertOpen();
    return this.#whileOpen(await openView(this.#parts, topic));
  };

  tail = async <Value>(topic: Topic<Value>, options: TailOptions<Value>): Promise<Tail> => {
    this.#assertOpen();
    return this.#whileOpen(await openTail(this.#parts, topic, options));
  };

  tailFrom = async <Value>(topic: Topic<Value>, options: TailFromOptions<Value>): Promise<Tail> => {
    this.#assertOpen();
    return this.#whileOpen(await openTailFrom(this.#parts, topic, options));
  };

  consume = async <Value>(options: ConsumeOptions<Value>): Promise<Running> => {
    this.#assertOpen();
    return this.#keep(this.#consumers, await startConsuming(this.#parts, options));
  };

  backlog: Queue['backlog'] = (topic, reader) => {
    this.#assertOpen();
    return backlogOf(this.#parts, topic, reader);
  };

  grow = async (topics: readonly DeclaredTopic[], partitions: number): Promise<void> => {
    this.#assertOpen();
    await this.#parts.topics.grow(topics, partitions);
  };

  close = (): Promise<void> => (this.#closing ??= this.#shutDown());

  kill = (): void => {
    if (this.#killed) return;
    this.#killed = true;
    this.#closing ??= Promise.resolve();
    clearInterval(this.#clockTimer);
    for (const part of [...this.#workers, ...this.#processors, ...this.#consumers]) part.abandon();
    this.#parts.publisher.abandon();
    this.#parts.connections.sever();
    this.#closeParts().catch(() => undefined);
  };

  quiet = async (): Promise<void> => {
    const { publisher, reader, wire } = this.#parts;
    const parts = [...this.#processors, ...this.#workers, ...this.#consumers];
    const isIdle = (): boolean => publisher.isIdle && parts.every((part) => part.isIdle);
    const moved = (): number => publisher.written + reader.delivered;
    let idle = 0;
    let still = 0;
    // Twice in a row, for what was read meanwhile may have led to more; what does not move at all is held up on purpose.
    while (idle < 2 && still < STILL_ROUNDS && !this.#killed) {
      const before = moved();
      const hasRead = await reader.isCaughtUp(wire).catch(() => false);
      await delay(2);
      idle = hasRead && isIdle() && moved() === before ? idle + 1 : 0;
      still = moved() === before ? still + 1 : 0;
    }
  };

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** Remembers what was started, unless the queue was closed while it started. */
  async #keep<Part extends KafkaProcessing | KafkaWorking | KafkaConsuming>(
    parts: Set<Part>,
    started: Part,
  ): Promise<Part> {
    if (this.#killed) started.abandon();
    else if (this.#closing !== undefined) await started.close();
    this.#assertOpen();
    parts.add(started);
    return started;
  }

  #whileOpen<Reader extends { close(): void }>(reader: Reader): Reader {
    if (this.#closing !== undefined) reader.close();
    this.#assertOpen();
    return reader;
  }

  /** A clock that has drifted ends what decides by it. */
  async #checkClock(toleranceMs: number | undefined): Promise<void> {
    try {
      await checkClock(this.#parts, toleranceMs);
    } catch (thrown) {
      if (!(thrown instanceof QueueError) || thrown.retryable || this.#closing !== undefined) return;
      this.#parts.log.error({ reason: thrown.message }, 'The clocks differ: this server owns nothing any more');
      for (const processor of this.#processors) processor.give(thrown);
    }
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#clockTimer);
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await Promise.all([...this.#processors, ...this.#consumers].map((reader) => reader.close()));
    // Views and tails end with it.
    await this.#closeParts();
  }
}
