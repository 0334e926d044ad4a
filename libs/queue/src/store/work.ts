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
  const { store, subscriptions, clock } = parts;
  const { topic, slots } = options;
  if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`A worker needs at least 1 slot, not ${slots}`);
  await store.declare(topic);
  const signal = createSignal();
  const failure = createFailure();
  const running = new Set<Promise<void>>();
  let stopped = false;
  let abandoned = false;

  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(RETRY_MS, resolve));

  /** Repeats until it is durable; gives up only with the queue itself. */
  async function publish(records: readonly OutgoingRecord[]): Promise<void> {
    const encoded = encodeAll(records);
    if (encoded.length === 0) return;
    for (;;) {
      if (abandoned) return;
      try {
        return await store.publish(encoded);
      } catch (thrown) {
        if (abandoned || isClosed(thrown)) return;
        if (thrown instanceof QueueError && !thrown.retryable) throw thrown;
        await pause();
      }
    }
  }

  async function runJob(taken: TakenJob): Promise<void> {
    try {
      await publish(await options.run(taken));
    } catch (thrown) {
      failure.fail(thrown);
    }
  }

  function start(taken: TakenJob): void {
    const run = runJob(taken).finally(() => {
      running.delete(run);
      signal.give();
    });
    running.add(run);
  }

  async function take(): Promise<number> {
    const claims = new Map<string, TakenJob>();
    const claim = (row: JobRow): readonly EncodedRecord[] => {
      const job = jobOf(options, row, clock.now());
      if (job.taken === undefined) return encodeAll([job.letter]);
      claims.set(row.key, job.taken);
      return encodeAll(options.claimed(job.taken));
    };
    let keys: readonly string[];
    try {
      keys = (await store.takeJobs(topic, slots - running.size, claim)).map(({ key }) => key);
    } catch (thrown) {
      if (abandoned || isClosed(thrown) || claims.size === 0) throw thrown;
      // The jobs may be taken although the answer was lost: say so again, then run them. If they were not taken, another
      // worker gets them too, and the newest claim counts.
      await publish([...claims.values()].flatMap((taken) => options.claimed(taken)));
      keys = [...claims.keys()];
    }
    if (abandoned) return 0;
    for (const key of keys) {
      const taken = claims.get(key);
      if (taken !== undefined) start(taken);
    }
    return keys.length;
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      try {
        if (running.size < slots && (await take()) > 0) continue;
        if (!stopped) await signal.wait();
      } catch (thrown) {
        if (abandoned || isClosed(thrown)) return;
        if (thrown instanceof QueueError && !thrown.retryable) throw thrown;
        await pause();
      }
    }
  }

  const unsubscribe = subscriptions.add(topic.name, () => signal.give());
  const looping = loop().catch((thrown: unknown) => failure.fail(thrown));

  function stop(): Promise<void> {
    stopped = true;
    unsubscribe();
    signal.give();
    return looping;
  }

  return {
    failed: failure.failed,
    get freeSlots() {
      return slots - running.size;
    },
    close: stop,
    async drain() {
      await stop();
      await Promise.all(running);
    },
    abandon() {
      abandoned = true;
      void stop();
    },
  };
}

function encodeAll(records: readonly Encodable[]): readonly EncodedRecord[] {
  const encoded: EncodedRecord[] = [];
  for (const record of records) encode(record, encoded);
  return encoded;
}

type Decoded =
  { readonly taken: TakenJob } | { readonly taken?: undefined; readonly letter: OutgoingRecord<DeadLetter> };

function jobOf({ topic, newToken, instance }: WorkOptions, row: JobRow, at: number): Decoded {
  try {
    const job: Job = topic.decode(row.value ?? JSON.parse(row.text));
    return { taken: { job, token: newToken() } };
  } catch (thrown) {
    const value: DeadLetter = {
      topic: topic.name,
      partition: 0,
      position: 0,
      key: row.key,
      value: row.text.slice(0, 10_000),
      processor: instance,
      reason: reasonOf(thrown),
      at,
    };
    return { letter: { topic: DEAD_LETTERS, key: row.key, value } };
  }
}
