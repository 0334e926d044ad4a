import type { DeadLetter, Job, OutgoingRecord } from '@millrace/model';
import { QueueError, type TakenJob, type Worker, type WorkOptions } from '../contract.js';
import type { EncodedRecord } from '../shell/commit.js';
import { DEAD_LETTERS, reasonOf } from '../shell/dead-letter.js';
import { encode, type Encodable } from '../shell/encode.js';
import { createSignal } from '../shell/signal.js';
import type { JobRow } from './contract.js';
import { createFailure, isClosed } from './failure.js';
import type { QueueParts } from './process.js';

const RETRY_MS = 200;

/** A worker that can also be dropped as a crash would drop it. */
export interface Working extends Worker {
  abandon(): void;
}

/** Takes jobs of `options.topic` as long as slots are free. */
export async function startWorking(parts: QueueParts, options: WorkOptions): Promise<Working> {
  const { topic, slots } = options;
  if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`A worker needs at least 1 slot, not ${slots}`);
  await parts.store.declare(topic);
  return new JobLoop(parts, options);
}

class JobLoop implements Working {
  readonly #parts: QueueParts;
  readonly #options: WorkOptions;
  readonly #signal = createSignal();
  readonly #failure = createFailure();
  readonly #running = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;
  readonly #looping: Promise<void>;
  #stopped = false;
  #paused = false;
  #abandoned = false;

  constructor(parts: QueueParts, options: WorkOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#unsubscribe = parts.subscriptions.add(options.topic.name, () => this.#signal.give());
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
    this.#unsubscribe();
    this.#signal.give();
    return this.#looping;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
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
    const claim = (row: JobRow): readonly EncodedRecord[] => {
      const decoded = decodeJob(this.#options, row, this.#parts.clock.now());
      if (decoded.taken === undefined) return encodeAll([decoded.letter]);
      claims.set(row.key, decoded.taken);
      return encodeAll(this.#options.claimed(decoded.taken));
    };
    let keys: readonly string[];
    try {
      keys = (await this.#parts.store.takeJobs(this.#options.topic, this.freeSlots, claim)).map(({ key }) => key);
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
      if (taken !== undefined) this.#start(taken);
    }
    return keys.length;
  }

  #start(taken: TakenJob): void {
    const run = this.#runJob(taken).finally(() => {
      this.#running.delete(run);
      this.#signal.give();
    });
    this.#running.add(run);
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
        return await this.#parts.store.publish(encoded);
      } catch (thrown) {
        if (this.#abandoned || isClosed(thrown)) return;
        if (thrown instanceof QueueError && !thrown.retryable) throw thrown;
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(RETRY_MS, resolve));
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
