import { isReplayMark, type DeadLetter, type Topic } from '@millrace/model';
import { DEAD_LETTERS, type Committed, type Queue } from '@millrace/queue';
import type { Faults } from '@millrace/queue/memory';
import { createManualClock, type ManualClock } from './clock.js';
import type { MakeHarness, Server } from './harness.js';
import { ledger, ledgerTopics, type LedgerEvent, type LedgerTopics, type Note } from './ledger.js';

/** Records of a topic as they came, and a way to wait for some. */
export interface Collected<Value> {
  readonly records: readonly Committed<Value>[];
  readonly values: readonly Value[];
  /** Resolves when `holds` is true of the values so far. */
  until(holds: (values: readonly Value[]) => boolean): Promise<void>;
}

export async function collect<Value>(queue: Queue, topic: Topic<Value>): Promise<Collected<Value>> {
  const records: Committed<Value>[] = [];
  const values: Value[] = [];
  const waiting = new Set<() => void>();
  await queue.tail(topic, {
    onRecord(record) {
      records.push(record);
      if (record.value !== null) values.push(record.value);
      for (const check of waiting) check();
    },
  });
  return {
    records,
    values,
    until: (holds) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!holds(values)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** One test's store, clock and topics. */
export interface Setting {
  readonly clock: ManualClock;
  readonly topics: LedgerTopics;
  start(faults?: Faults): Promise<Server>;
  settle(): Promise<void>;
  readonly patience: number;
  dispose(): Promise<void>;
}

export function setUp(makeHarness: MakeHarness, { partitions = 2, patience = 1_000 } = {}): Setting {
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const harness = makeHarness(clock);
  return {
    clock,
    topics: ledgerTopics(partitions),
    start: (faults) => harness.start(faults),
    settle: () => harness.settle(),
    patience,
    dispose: () => harness.dispose(),
  };
}

const LETTERS: Topic<DeadLetter> = {
  ...DEAD_LETTERS,
  decode(stored) {
    const record = DEAD_LETTERS.decode(stored);
    if (isReplayMark(record)) throw new Error('A mark of a replay is no letter');
    return record;
  },
};

/** A server that runs the ledger, with what it says. */
export interface LedgerServer extends Server {
  readonly notes: Collected<Note>;
  readonly letters: Collected<DeadLetter>;
  tell(key: string, ...events: readonly LedgerEvent[]): Promise<void>;
}

export async function startLedger(
  { start, topics }: Setting,
  { faults, overrides }: { readonly faults?: Faults; readonly overrides?: Parameters<typeof ledger>[1] } = {},
): Promise<LedgerServer> {
  const server = await start(faults);
  const notes = await collect(server.queue, topics.notes);
  // Nobody replays a letter here, so there are no marks among them.
  const letters = await collect(server.queue, LETTERS);
  await server.queue.process(ledger(topics, overrides));
  return {
    ...server,
    notes,
    letters,
    tell: (key, ...events) => server.queue.publish(events.map((value) => ({ topic: topics.events, key, value }))),
  };
}

export const texts = (notes: readonly Note[]): string[] => notes.map(({ text }) => text);

/** True when the note was told so often, or more. */
export const told =
  (text: string, times = 1) =>
  (notes: readonly Note[]): boolean =>
    notes.filter((note) => note.text === text).length >= times;
