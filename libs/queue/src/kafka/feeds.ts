import type { Topic } from '@millrace/model';
import { closedError } from '../shell/failure.js';
import type { Wire } from './connections.js';
import { asQueueError, kafkaError } from './failure.js';
import type { KafkaLog } from './options.js';
import { EARLIEST, LATEST, offsetAt, offsetsAt, readRange, type Isolation } from './range.js';
import type { LogReader, Reading } from './reader.js';
import type { LogRecord } from './records.js';
import type { TopicCatalog } from './topics.js';

/** A committed record of a topic and its partition. */
export type FeedListener = (record: LogRecord, partition: number) => void;

export interface Following {
  /**
   * Resolves when all that was written before the call has been told, or undone: also what belonged to transactions that
   * were just ending. @throws QueueError QUEUE_UNAVAILABLE, QUEUE_CLOSED
   */
  caughtUp(): Promise<void>;
  close(): void;
}

/** Topics that somebody in this process follows: each is read once, whoever listens. */
export interface Feeds {
  /**
   * Tells every record that is committed from now on; with `fromStart` first what is kept. Resolves when what was
   * committed before the call has been told (`fromStart`), or when nothing that is committed later can be missed.
   */
  follow(topic: Topic<unknown>, listener: FeedListener, fromStart: boolean): Promise<Following>;
  /**
   * As `follow` from the start, but from an offset of each partition (0 where there is none), and every record: also those
   * of state that were replaced since. Where the log does not have the offset it is told from its beginning.
   */
  followFrom(topic: Topic<unknown>, listener: FeedListener, from: Offsets): Promise<Following>;
  close(): void;
}

export interface FeedsOptions {
  readonly reader: LogReader;
  /** For offsets and for what is there already. */
  readonly wire: Wire;
  readonly topics: TopicCatalog;
  readonly brokers: string;
  readonly log: KafkaLog;
}

/** By partition. */
type Offsets = ReadonlyMap<number, number>;

interface Feed {
  isClosed: boolean;
  readonly listeners: Set<FeedListener>;
  /** Where each partition is read next. */
  readonly positions: Map<number, number>;
  readonly readings: Reading[];
  readonly waiting: Set<{ check(): void; refuse(): void }>;
}

export function createFeeds(options: FeedsOptions): Feeds {
  const { topics, brokers } = options;
  const feeds = new Map<string, Promise<Feed>>();

  let isOver = false;

  const { ends, writtenEnds } = createEnds(options);

  async function open(topic: Topic<unknown>): Promise<Feed> {
    await topics.ensure([topic]);
    return openFeed(options, topic, await ends(topic, 'visible'));
  }

  function feedOf(topic: Topic<unknown>): Promise<Feed> {
    if (isOver) return Promise.reject(closedError());
    const known = feeds.get(topic.name);
    if (known !== undefined) return known;
    const opening = open(topic).catch((thrown: unknown) => {
      feeds.delete(topic.name);
      throw asQueueError(thrown, `Topic '${topic.name}' cannot be read`, brokers);
    });
    feeds.set(topic.name, opening);
    return opening;
  }

  function leave(topic: Topic<unknown>, feed: Feed, listener: FeedListener): void {
    feed.listeners.delete(listener);
    if (feed.listeners.size > 0) return;
    feeds.delete(topic.name);
    close(feed);
  }

  /** Follows; `tellPast` tells what is there up to the offsets where following begins. */
  async function join(
    topic: Topic<unknown>,
    listener: FeedListener,
    tellPast: ((until: Offsets) => Promise<void>) | undefined,
  ): Promise<Following> {
    let feed = await feedOf(topic);
    while (feed.isClosed) feed = await feedOf(topic);
    const gate = new Gate(listener);
    feed.listeners.add(gate.listener);
    try {
      gate.since = await ends(topic, 'visible');
      const written = tellPast === undefined ? new Map<number, number>() : await writtenEnds(topic);
      await tellPast?.(gate.since);
      gate.open();
      await reached(feed, written);
    } catch (thrown) {
      leave(topic, feed, gate.listener);
      throw asQueueError(thrown, `Topic '${topic.name}' cannot be read`, brokers);
    }
    return {
      async caughtUp() {
        const wanted = await writtenEnds(topic).catch((thrown: unknown) => {
          throw asQueueError(thrown, `The end of topic '${topic.name}' cannot be looked up`, brokers);
        });
        await reached(feed, wanted);
      },
      close: () => leave(topic, feed, gate.listener),
    };
  }

  return {
    follow: (topic, listener, fromStart) =>
      join(topic, listener, fromStart ? (until) => tellWhatIsKept(options, topic, until, listener) : undefined),
    followFrom: (topic, listener, from) =>
      join(topic, listener, (until) => tellFrom(options, topic, { from, until }, listener)),
    close() {
      isOver = true;
      for (const opening of feeds.values()) opening.then(close).catch(() => undefined);
      feeds.clear();
    },
  };
}

function close(feed: Feed): void {
  feed.isClosed = true;
  for (const reading of feed.readings) reading.close();
  for (const { refuse } of feed.waiting) refuse();
  feed.waiting.clear();
}

/** Looks up where topics end. */
function createEnds({ wire, topics }: FeedsOptions) {
  const refreshing = new Map<string, Promise<Offsets>>();
  const partitionsOf = (topic: Topic<unknown>): number[] => Array.from({ length: topic.partitions }, (_, at) => at);

  const ends = (topic: Topic<unknown>, isolation: Isolation): Promise<Offsets> =>
    offsetsAt(wire, topics.nameOf(topic), partitionsOf(topic), LATEST, isolation);

  /** Where the topic ends, open transactions included. Many who ask while a request is under way share the next one. */
  function writtenEnds(topic: Topic<unknown>): Promise<Offsets> {
    const waiting = refreshing.get(topic.name);
    if (waiting !== undefined) return waiting;
    const next = Promise.resolve().then(() => {
      refreshing.delete(topic.name);
      return ends(topic, 'written');
    });
    refreshing.set(topic.name, next);
    return next;
  }
  return { ends, writtenEnds };
}

/** Holds back what comes while the past is told, and drops what was committed before. */
class Gate {
  since: Offsets = new Map();
  #held: [LogRecord, number][] | undefined = [];

  constructor(private readonly tell: FeedListener) {}

  readonly listener: FeedListener = (record, partition) => {
    if (this.#held !== undefined) this.#held.push([record, partition]);
    else this.#pass(record, partition);
  };

  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [record, partition] of held) this.#pass(record, partition);
  }

  #pass(record: LogRecord, partition: number): void {
    if (record.offset >= (this.since.get(partition) ?? 0)) this.tell(record, partition);
  }
}

function openFeed({ reader, topics, log }: FeedsOptions, topic: Topic<unknown>, from: Offsets): Feed {
  const feed: Feed = {
    isClosed: false,
    listeners: new Set(),
    positions: new Map(from),
    readings: [],
    waiting: new Set(),
  };
  for (const [partition, offset] of from) {
    const reading = reader.open({
      topic: topics.nameOf(topic),
      partition,
      offset,
      onRecords(records, next) {
        for (const record of records) for (const listener of feed.listeners) listener(record, partition);
        feed.positions.set(partition, next);
        for (const { check } of feed.waiting) check();
      },
      onGap(earliest) {
        const before = feed.positions.get(partition) ?? 0;
        feed.positions.set(partition, earliest);
        log.warn(
          { topic: topic.name, partition, before, earliest },
          earliest > before
            ? 'This server was behind for longer than the topic is kept: records were missed'
            : 'The topic was made anew, or lost its end: it is read again from its beginning',
        );
        for (const { check } of feed.waiting) check();
      },
    });
    feed.readings.push(reading);
  }
  return feed;
}

function reached(feed: Feed, wanted: Offsets): Promise<void> {
  const isReached = (): boolean =>
    [...wanted].every(([partition, offset]) => (feed.positions.get(partition) ?? 0) >= offset);
  if (isReached()) return Promise.resolve();
  if (feed.isClosed) return Promise.reject(closedError());
  return new Promise((resolve, reject) => {
    const waiter = {
      check(): void {
        if (!isReached()) return;
        feed.waiting.delete(waiter);
        resolve();
      },
      refuse: (): void => reject(closedError()),
    };
    feed.waiting.add(waiter);
  });
}

/** Every record between two places of each partition. */
async function tellFrom(
  { wire, topics, log }: FeedsOptions,
  topic: Topic<unknown>,
  { from, until }: { readonly from: Offsets; readonly until: Offsets },
  tell: FeedListener,
): Promise<void> {
  const name = topics.nameOf(topic);
  for (const [partition, end] of until) {
    let next = from.get(partition) ?? 0;
    const onRecords = (records: readonly LogRecord[]): void => {
      for (const record of records) {
        next = record.offset + 1;
        tell(record, partition);
      }
    };
    for (let isRead = false; !isRead;) {
      const start = await offsetAt(wire, name, partition, EARLIEST);
      const isLonger = next > end && (await isBeyondEnd(wire, name, partition, next));
      if (isLonger || next < start) {
        if (next > 0) log.warn({ topic: topic.name, partition, wanted: next, start }, NOT_THERE);
        next = start;
      }
      try {
        await readRange(wire, { topic: name, partition, from: next, until: end, onRecords });
        isRead = true;
      } catch (thrown) {
        // What was looked up as the start may have been removed since.
        if (kafkaError(thrown) !== 'OFFSET_OUT_OF_RANGE') throw thrown;
      }
    }
  }
}

const NOT_THERE =
  'The topic does not have what was wanted, for it was removed or made anew: it is read from its beginning';

/** True for a place that the log has not had yet, open transactions included: it is another log. */
async function isBeyondEnd(wire: Wire, name: string, partition: number, offset: number): Promise<boolean> {
  const ends = await offsetsAt(wire, name, [partition], LATEST, 'written');
  return offset > (ends.get(partition) ?? 0);
}

async function tellWhatIsKept(
  { wire, topics }: FeedsOptions,
  topic: Topic<unknown>,
  until: Offsets,
  tell: FeedListener,
): Promise<void> {
  const name = topics.nameOf(topic);
  const starts = await offsetsAt(wire, name, [...until.keys()], EARLIEST);
  for (const [partition, end] of until) {
    // Of state only the newest value counts; Kafka keeps older ones until it has compacted.
    const newest = new Map<string, LogRecord>();
    await readRange(wire, {
      topic: name,
      partition,
      from: starts.get(partition) ?? 0,
      until: end,
      onRecords(records) {
        for (const record of records) {
          if (topic.kind !== 'state') tell(record, partition);
          else if (record.text === null) newest.delete(record.key);
          else newest.set(record.key, record);
        }
      },
    });
    for (const record of newest.values()) tell(record, partition);
  }
}
