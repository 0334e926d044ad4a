import type { Instant, Job, OutgoingRecord, Topic } from '@millrace/model';

/**
 * The queue: one contract in Kafka's words, implemented by `memory`, `sql` and `kafka`, and checked by one suite.
 * Rules and reasons: docs/queue.md.
 */
export interface Queue {
  /**
   * Durable when it resolves. Records of one key keep the order in which they were given; of one call, those for one
   * partition are written together, and a call that is refused has written nothing. `null` values remove state records
   * and unclaimed jobs.
   * @throws QueueError QUEUE_CLOSED after `close()`; QUEUE_UNAVAILABLE (retryable) when the store cannot be reached
   */
  publish(records: readonly OutgoingRecord[]): Promise<void>;

  /**
   * Owns partitions of the processor's input and runs it there: each record of a partition is handled by the
   * partition's one owner, in order; state changes, outgoing records and position commit together or not at all; an
   * owner that lost its lease is fenced.
   */
  process<State, Rec, Event, Fact, Effect, Context>(
    definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
  ): Promise<RunningProcessor>;

  /** Takes jobs of a group as long as slots are free; competes with every other worker of the group. */
  work(options: WorkOptions): Promise<Worker>;

  /** A live copy of a state topic in this process's memory; complete up to the moment of the call when it resolves. */
  view<Value>(topic: Topic<Value>): Promise<View<Value>>;

  /**
   * New records of a topic as they are committed, from the moment the promise resolves; all keys or one. With
   * `from: 'start'` first all that is kept: the promise resolves when what was committed before the call has been told.
   * `onRecord` is called in the order of each key and must not block; what it throws closes the tail and is reported to
   * `onError`.
   */
  tail<Value>(topic: Topic<Value>, options: TailOptions<Value>): Promise<Tail>;

  /**
   * How many records of each partition wait for a reader, for people who look after the installation: not exact while records
   * come and go. Costs a few requests where the store is remote.
   * @param reader name of a processor, for its input; of a topic of jobs any, for all its workers share it; or the offset
   *   before which each partition was read
   * @throws QueueError QUEUE_UNAVAILABLE
   */
  backlog(topic: Topic<unknown>, reader: string | ReadonlyMap<number, number>): Promise<ReadonlyMap<number, number>>;

  /** Stops taking work, finishes the commit under way, releases leases. Idempotent. */
  close(): Promise<void>;
}

/**
 * A queue whose topics are logs with offsets, state topics as well (Kafka): how an index, or a copy of what it does not have
 * yet, reads them.
 */
export interface LogQueue extends Queue {
  /**
   * Reads a topic as a member of a group: each partition is one member's, its records come in order and in batches. Where
   * reading goes on is stored after a batch was handled, so a record comes at least once, also after a crash.
   */
  consume<Value>(options: ConsumeOptions<Value>): Promise<Running>;

  /** As `tail`, from given offsets on, with the place of each record. */
  tailFrom<Value>(topic: Topic<Value>, options: TailFromOptions<Value>): Promise<Tail>;
}

/** A record with its place in the log. */
export interface LoggedRecord<Value> {
  readonly key: string;
  /** '' for events. */
  readonly id: string;
  /** null: it was removed. */
  readonly value: Value | null;
  readonly partition: number;
  /** 0 for the first of a partition. `position` of events is this and one. */
  readonly offset: number;
  /** When it was written, by the log's clock; milliseconds since the epoch. */
  readonly writtenAt: number;
}

export interface ConsumeOptions<Value> {
  readonly group: string;
  readonly topic: Topic<Value>;
  /** Records of a batch at most. */
  readonly batchSize: number;
  /**
   * Records of one partition, oldest first; the next ones of the partition come when it has resolved. `signal` is aborted
   * when the partition is no longer this member's, or reading ends: what is returned after that is not stored. A rejection
   * ends reading, with `failed`.
   */
  onBatch(partition: number, records: readonly LoggedRecord<Value>[], signal: AbortSignal): Promise<void>;
  /** A record that `topic.decode` refuses, or that is no record of Millrace; it is passed. */
  onUnreadable?(record: UnreadableRecord, reason: string): void | Promise<void>;
  /**
   * Everything of a partition before `offset` was handled, or is nothing that readers see (the end of a transaction is a
   * place of the log, too). Called when the partition becomes this member's, with where reading begins, and whenever it goes
   * on.
   */
  onPosition?(partition: number, offset: number): void;
  /** The partition is another member's now, or reading ends. */
  onLost?(partition: number): void;
  /** Reads all that is kept, whatever the group has stored: what this member is given first begins at its start. */
  readonly fromStart?: boolean;
}

/** A record that could not be read, as it was found. */
export interface UnreadableRecord {
  readonly partition: number;
  readonly offset: number;
  /** The log's own key. */
  readonly key: string;
  readonly text: string | null;
}

export interface TailFromOptions<Value> {
  /** The first offset of each partition; 0 where it has none. */
  readonly from: ReadonlyMap<number, number>;
  readonly onRecord: (record: LoggedRecord<Value>) => void;
  readonly onError?: (error: unknown) => void;
}

/** A committed record, as readers see it. */
export interface Committed<Value> {
  readonly key: string;
  /** '' for events. */
  readonly id: string;
  readonly value: Value | null;
  readonly partition: number;
  /** Of an event: its place in the partition, from 1, growing. 0 for state. */
  readonly position: number;
}

export interface TailOptions<Value> {
  readonly key?: string;
  /** `start`: what is kept is told first, state records once with their newest value. Default `now`. */
  readonly from?: 'now' | 'start';
  readonly onRecord: (record: Committed<Value>) => void;
  readonly onError?: (error: unknown) => void;
}

export interface Tail {
  /**
   * Resolves when everything was told that was committed before the call, by whichever server. Costs a request where the
   * store is remote.
   * @throws QueueError QUEUE_UNAVAILABLE
   */
  caughtUp(): Promise<void>;
  close(): void;
}

export interface View<Value> {
  get(key: string, id?: string): Value | undefined;
  /** The records of one key. */
  records(key: string): ReadonlyMap<string, Value>;
  keys(): Iterable<string>;
  /** Resolves with true as soon as `holds` is true of the view, false after `timeoutMs`. */
  waitFor(holds: () => boolean, timeoutMs: number): Promise<boolean>;
  onChange(listener: (record: Committed<Value>) => void): () => void;
  /**
   * Resolves when the view shows all that was committed before the call, by whichever server: for a reader that would
   * answer "there is no such thing" from a copy that lags. Costs a request where the store is remote.
   * @throws QueueError QUEUE_UNAVAILABLE
   */
  refresh(): Promise<void>;
  close(): void;
}

/** Something that was started and can be stopped. */
export interface Running {
  /** Resolves when the commit under way has ended and the leases are released. */
  close(): Promise<void>;
  /** Rejects when it stopped by itself: lost its store for good, or met a state that it must not touch. */
  readonly failed: Promise<never>;
}

/** A processor at work. */
export interface RunningProcessor extends Running {
  /** Of the processor. */
  readonly name: string;
  /** The partitions of its input that this process owns now, ascending. */
  readonly partitions: readonly number[];
}

/** What each processor of a server owns, by name, as its heartbeats tell it. */
export const partitionsOf = (running: readonly RunningProcessor[]): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(running.map(({ name, partitions }) => [name, partitions]));

// ── processors ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a decision gave (architecture.md part 1). */
export interface Decision<Fact, Effect, Event> {
  /** What became true; applied by `evolve`, in order, before anything of `next` is decided. */
  readonly facts: readonly Fact[];
  /** Written in the same transaction as the records that the facts touched. */
  readonly effects: readonly Effect[];
  /** Decided on the new state, the first one first and with all that follows from it before the second. */
  readonly next: readonly Event[];
}

/** A timer of the key is due. */
export interface Wake {
  readonly kind: 'wake';
}
export const WAKE: Wake = { kind: 'wake' };

/**
 * The records of one key. Values are immutable and replaced; the shell remembers what was replaced, so that a failed
 * decision can be undone, and which ids were touched, so that only those are stored.
 */
export interface RecordSet<Rec> {
  get(id: string): Rec | undefined;
  put(id: string, record: Rec): void;
  remove(id: string): void;
  entries(): Iterable<readonly [string, Rec]>;
  readonly size: number;
  /** Called for every change, undone ones included; derived indexes live on it. One listener. */
  onChange(listener: (id: string, before: Rec | undefined, after: Rec | undefined) => void): void;
}

/**
 * A keyed state machine. `decide`, `evolve`, `fail` and `dueAt` are pure: no I/O, no clock, no randomness, no promise.
 * State is what `open` makes of a key's records; `evolve` is its only writer.
 */
export interface Processor<State, Rec, Event, Fact, Effect, Context> {
  /** Consumer group, lease name and metrics label. */
  readonly name: string;
  readonly input: Topic<Event>;
  /** Where the state's records live; each record belongs to exactly one. */
  readonly stateTopics: readonly Topic<Rec>[];
  topicOf(record: Rec): Topic<Rec>;
  /** Also called at restore, with all records there; `key` is the records' key. */
  open(key: string, records: RecordSet<Rec>): State;
  decide(state: State, input: Event | Wake, context: Context): Decision<Fact, Effect, Event>;
  evolve(state: State, fact: Fact): void;
  /** What follows when a decision threw: the key is left in a state that says so; the partition goes on. */
  fail(state: State, input: Event | Wake, fault: Error, context: Context): Decision<Fact, Effect, Event>;
  /** When this key wants a Wake; O(1). */
  dueAt(state: State): Instant | undefined;
  /** Nothing is expected to happen any more: the state may leave the owner's memory and be loaded again on demand. */
  ended(state: State): boolean;
  /** Wraps what is left to decide after a yield; its `pending` comes back through `pendingOf`. */
  continuation(key: string, pending: readonly Event[]): Event;
  pendingOf(event: Event): readonly Event[] | undefined;
  /**
   * True of an event that brings records of a key which has left: readers of the topics may have them already. Nothing is
   * decided in the same commit after it, so that a record which is removed next was stored before, and its removal is told.
   */
  bringsBack?(event: Event): boolean;
  /** A broadcast event in a partition: the events, by key, that it becomes there; decided in turn with others. */
  spread?(event: Event, live: Iterable<readonly [string, State]>): Iterable<readonly [string, Event]>;
}

/**
 * How long the records of a key stay after it has ended (`Processor.ended`). Only a log removes them, by the partition's
 * owner; stores that are a history as well (SQL, and memory unless it stands for a log) keep them and have them out of the way anyhow.
 */
export interface StateRetention {
  /** Milliseconds since the last commit that touched the key when it had ended. */
  readonly afterMs: number;
  /**
   * Asked before each removal: records before this offset may go, for whoever needs them has them. A key goes when that is
   * true of all its records. Default: all may.
   */
  searchable?(topic: string, partition: number): number;
}

/** A processor and what its shell needs: context looked up before, effects turned into records after a decision. */
export interface ProcessorDefinition<State, Rec, Event, Fact, Effect, Context> {
  readonly processor: Processor<State, Rec, Event, Fact, Effect, Context>;
  /**
   * Looked up before each input event. `now` only grows within a partition. A promise is awaited before the event is
   * decided (the view may have to catch up), so answer synchronously whenever it can be.
   */
  context(key: string, state: State, input: Event | Wake, now: Instant): Context | Promise<Context>;
  outgoing(effect: Effect): OutgoingRecord;
  /** When the state of keys that have ended leaves the queue for good. Default: never. */
  readonly retention?: StateRetention;
  /** Told of faults that were turned into dead letters, for the server's own log and metrics. */
  onFault?(fault: { readonly key: string; readonly error: Error }): void;
  /** Broken on purpose: only the simulation sets it, to show that its checks would notice. */
  readonly broken?: 'position-outside-transaction';
}

/** Limits after which the shell commits and lets other keys have their turn (protocols.md part 1.5). */
export const YIELD = { steps: 500, bytes: 512 * 1024, elapsedMs: 20 } as const;

// ── workers ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A job in a worker's hands. */
export interface TakenJob {
  readonly job: Job;
  /** New for each taking; the executor counts only the newest (protocols.md part 3.3). */
  readonly token: string;
}

export interface WorkOptions {
  readonly topic: Topic<Job>;
  /** The worker's instance id. */
  readonly instance: string;
  /** Jobs at a time, at least 1. */
  readonly slots: number;
  /** Takes nothing before `resume`. Default false. */
  readonly paused?: boolean;
  /** A new claim token. */
  newToken(): string;
  /** Records that make the claim known; durable before `run` is called. */
  claimed(taken: TakenJob): readonly OutgoingRecord[];
  /**
   * A job that may be what ended its workers: at most one such job runs here at a time, so that its neighbours are not
   * suspected with it (protocols.md part 3.8). Default: none is.
   */
  isSuspect?(job: Job): boolean;
  /** Runs the job and answers what to publish as its result. Must not reject: a failing task is a result. */
  run(taken: TakenJob): Promise<readonly OutgoingRecord[]>;
}

export interface Worker extends Running {
  /** Takes no new job until `resume`; what runs goes on, and is counted as before. */
  pause(): void;
  resume(): void;
  /** Slots without a job. */
  readonly freeSlots: number;
  /** Takes no new job from now on; resolves when the running ones have ended. */
  drain(): Promise<void>;
}

/** A failure of the queue, with a stable code. */
export class QueueError extends Error {
  override readonly name = 'QueueError';
  constructor(
    readonly code:
      'QUEUE_TOO_LARGE' | 'QUEUE_CLOSED' | 'QUEUE_UNAVAILABLE' | 'QUEUE_LOCKED' | 'QUEUE_MISMATCH' | 'QUEUE_FENCED',
    message: string,
    readonly retryable: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
