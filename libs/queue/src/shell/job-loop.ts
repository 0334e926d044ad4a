import type { Clock, DeadLetter, Job, OutgoingRecord } from '@millrace/model';
import { QueueError, type TakenJob, type Worker, type WorkOptions } from '../contract.js';
import type { EncodedRecord } from './commit.js';
import { DEAD_LETTERS, reasonOf } from './dead-letter.js';
import { encode, type Encodable } from './encode.js';
import { createFailure, isClosed } from './failure.js';
import { createSignal } from './signal.js';

const RETRY_MS = 200;

/** A job that was taken: `value` when it is still at hand as published, else its text. */
export interface JobRow {
  readonly key: string;
  readonly value?: unknown;
  readonly text: string;
}

/** What the loop needs of an adapter: jobs of one topic. Failures are `QueueError`s. */
export interface JobSource {
  /**
   * Takes the oldest jobs, at most `limit`, and writes what `claim` answers for each; durable when it resolves. When it
   * rejects after `claim` was called, the jobs may be taken. Jobs that `accept` refuses stay for others, or for later.
   */
  take(
    limit: number,
    claim: (job: JobRow) => readonly EncodedRecord[],
    accept: (job: JobRow) => boolean,
  ): Promise<readonly JobRow[]>;
  publish(records: readonly EncodedRecord[]): Promise<void>;
  /** Calls `listener` whenever there may be new jobs, until the answer is called. */
  onJobs(listener: () => void): () => void;
  /** So many jobs more could run now; told whenever it changes. */
  capacity?(slots: number): void;
}

/** A worker that can also be dropped as a crash would drop it. */
export interface Working extends Worker {
  abandon(): void;
}

/** Takes jobs of `options.topic` as long as slots are free. */
export function startJobLoop(source: JobSource, clock: Clock, options: WorkOptions): Working {
  const { slots } = options;
  if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`A worker needs at least 1 slot, not ${slots}`);
  return new JobLoop(source, clock, options);
}

class JobLoop implements Working {
  readonly #source: JobSource;
  readonly #clock: Clock;
  readonly #options: WorkOptions;
  readonly #signal = createSignal();
  readonly #failure = createFailure();
  readonly #running = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;
  readonly #looping: Promise<void>;
  /** The key of the suspect that runs. */
  #suspect: string | undefined;
  #stopped = false;
  #paused = false;
  #abandoned = false;

  constructor(source: JobSource, clock: Clock, options: WorkOptions) {
    this.#source = source;
    this.#clock = clock;
    this.#options = options;
    this.#paused = options.paused === true;
    this.#unsubscribe = source.onJobs(() => this.#signal.give());
    this.#tellCapacity();
    this.#looping = this.#loop().catch((thrown: unknown) => this.#failure.fail(thrown));
  }

  get failed(): Promise<never> {
    return this.#failure.failed;
  }

  get freeSlots(): number {
    return this.#options.slots - this.#running.size;
  }

  close(): Promise<void> {
    this.#stopped = true;
    this.#tellCapacity();
    this.#unsubscribe();
    this.#signal.give();
    return this.#looping;
  }

  pause(): void {
    this.#paused = true;
    this.#tellCapacity();
  }

  resume(): void {
    this.#paused = false;
    this.#tellCapacity();
    this.#signal.give();
  }

  async drain(): Promise<void> {
    await this.close();
    await Promise.all(this.#running);
  }

  abandon(): void {
    this.#abandoned = true;
    void this.close();
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (!this.#paused && this.freeSlots > 0 && (await this.#take()) > 0) continue;
        if (!this.#stopped) await this.#signal.wait();
      } catch (thrown) {
        if (this.#abandoned || isClosed(thrown)) return;
        if (thrown instanceof QueueError && !thrown.retryable) throw thrown;
        await this.#pause();
      }
    }
  }

  /** Takes what the free slots hold and starts it; answers how many. */
  async #take(): Promise<number> {
    const claims = new Map<string, TakenJob>();
    const rows = new Map<JobRow, Decoded>();
    const decodedOf = (row: JobRow): Decoded => {
      const known = rows.get(row) ?? decodeJob(this.#options, row, this.#clock.now());
      rows.set(row, known);
      return known;
    };
    let suspect = this.#suspect;
    const accept = (row: JobRow): boolean => {
      const job = decodedOf(row).taken?.job;
      if (job === undefined || this.#options.isSuspect?.(job) !== true) return true;
      if (suspect !== undefined) return false;
      suspect = row.key;
      return true;
    };
    const claim = (row: JobRow): readonly EncodedRecord[] => {
      const decoded = decodedOf(row);
      if (decoded.taken === undefined) return encodeAll([decoded.letter]);
      claims.set(row.key, decoded.taken);
      return encodeAll(this.#options.claimed(decoded.taken));
    };
    let keys: readonly string[];
    try {
      keys = (await this.#source.take(this.freeSlots, claim, accept)).map(({ key }) => key);
    } catch (thrown) {
      if (this.#abandoned || isClosed(thrown) || claims.size === 0) throw thrown;
      // The jobs may be taken although the answer was lost: say so again, then run them. If they were not taken, another
      // worker gets them too, and the newest claim counts.
      await this.#publish([...claims.values()].flatMap((taken) => this.#options.claimed(taken)));
      keys = [...claims.keys()];
    }
    if (this.#abandoned) return 0;
    for (const key of keys) {
      const taken = claims.get(key);
      if (taken === undefined) continue;
      if (key === suspect) this.#suspect = key;
      this.#start(key, taken);
    }
    return keys.length;
  }

  #start(key: string, taken: TakenJob): void {
    const run = this.#runJob(taken).finally(() => {
      this.#running.delete(run);
      if (this.#suspect === key) this.#suspect = undefined;
      this.#tellCapacity();
      this.#signal.give();
    });
    this.#running.add(run);
    this.#tellCapacity();
  }

  #tellCapacity(): void {
    this.#source.capacity?.(this.#paused || this.#stopped ? 0 : this.freeSlots);
  }

  async #runJob(taken: TakenJob): Promise<void> {
    try {
      await this.#publish(await this.#options.run(taken));
    } catch (thrown) {
      this.#failure.fail(thrown);
    }
  }

  /** Repeats until it is durable; gives up only with the queue itself. */
  async #publish(records: readonly OutgoingRecord[]): Promise<void> {
    const encoded = encodeAll(records);
    while (encoded.length > 0 && !this.#abandoned) {
      try {
        return await this.#source.publish(encoded);
      } catch (thrown) {
        if (this.#abandoned || isClosed(thrown)) return;
        if (thrown instanceof QueueError && !thrown.retryable) throw thrown;
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(RETRY_MS, resolve));
  }
}

function encodeAll(records: readonly Encodable[]): readonly EncodedRecord[] {
  const encoded: EncodedRecord[] = [];
  for (const record of records) encode(record, encoded);
  return encoded;
}

interface Letter {
  readonly topic: typeof DEAD_LETTERS;
  readonly key: string;
  readonly value: DeadLetter;
}

type Decoded = { readonly taken: TakenJob } | { readonly taken?: undefined; readonly letter: Letter };

function decodeJob({ topic, newToken, instance }: WorkOptions, row: JobRow, at: number): Decoded {
  try {
    const job: Job = topic.decode(row.value ?? JSON.parse(row.text));
    return { taken: { job, token: newToken() } };
  } catch (thrown) {
    const place = { topic: topic.name, partition: 0, position: 0, key: row.key, value: row.text.slice(0, 10_000) };
    const value = { ...place, processor: instance, reason: reasonOf(thrown), at };
    return { letter: { topic: DEAD_LETTERS, key: row.key, value } };
  }
}
