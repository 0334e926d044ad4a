import { pause, seededRandom } from '../../product/workload.js';
import type { Fault } from './faults.js';
import type { IndexProgress } from './index-progress.js';
import type { ChaosOptions } from './run.js';

/** What happens to Kafka and Elasticsearch during a run. */
export interface StoreFaults {
  readonly faults: readonly Fault[];
  /** Resolves when all run again, and the index has caught up. */
  readonly done: Promise<void>;
  /** From the return of Elasticsearch until the index was less than 2 s behind; undefined: it was not down. */
  catchUpMs(): number | undefined;
}

const BROKER_DOWN_MS = 15_000;
const CAUGHT_UP_MS = 2_000;
/** Longer than that is not waited: the report shows it. */
const CATCH_UP_LIMIT_MS = 300_000;
const LOOK_MS = 200;

/** One of three brokers is killed at a third of the time; Elasticsearch is down from the middle on. */
export function disturbStores(
  { kafka, elasticsearch, durationMs, outageMs, seed }: ChaosOptions,
  progress: IndexProgress,
  onFault: (fault: Fault) => void,
): StoreFaults {
  const faults: Fault[] = [];
  let catchUpMs: number | undefined;
  const begin = (what: 'broker' | 'elasticsearch', name: string): Fault => {
    const fault: Fault = { what, name, how: 'killed', at: Date.now(), until: Infinity };
    faults.push(fault);
    onFault(fault);
    return fault;
  };

  async function killBroker(): Promise<void> {
    const broker = kafka.brokers[Math.floor(seededRandom(seed * 7 + 4)() * kafka.brokers.length)];
    if (kafka.brokers.length < 3 || broker === undefined) return;
    await pause(durationMs / 3);
    const fault = begin('broker', `broker ${broker.id}`);
    await broker.kill();
    await pause(BROKER_DOWN_MS);
    await broker.restart();
    fault.until = Date.now();
  }

  async function stopIndex(): Promise<void> {
    if (elasticsearch === undefined || outageMs === 0) return;
    await pause(durationMs / 2);
    const fault = begin('elasticsearch', 'Elasticsearch');
    await elasticsearch.kill();
    await pause(outageMs);
    await elasticsearch.restart();
    fault.until = Date.now();
    const limit = fault.until + CATCH_UP_LIMIT_MS;
    while (progress.behindMs(Date.now()) > CAUGHT_UP_MS && Date.now() < limit) await pause(LOOK_MS);
    catchUpMs = Date.now() - fault.until;
  }

  const done = Promise.all([killBroker(), stopIndex()]).then(() => undefined);
  // It is awaited later; until then a failure is no unhandled one.
  done.catch(() => undefined);
  return { faults, done, catchUpMs: () => catchUpMs };
}
