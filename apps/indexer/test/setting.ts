import {
  isReplayMark,
  createTopics,
  INDEX_PROGRESS_ID,
  indexProgressKey,
  outgoing,
  type DeadLetter,
  type OutgoingRecord,
  type ServiceEvent,
  type Topics,
} from '@millrace/model';
import { createIndexer, type IndexerOptions } from '@millrace/indexer';
import { createMemoryQueue, createMemoryStore } from '@millrace/queue/memory';
import { createMetrics, type Logger, type Service } from '@millrace/service';
import { createVirtualClock } from '@millrace/testing';
import { ALog } from './a-log.js';
import { AnIndex } from './an-index.js';

export const START = Date.parse('2024-01-01T10:00:00Z');

/** A log, an index, and indexers between them, in virtual time. */
export async function setting(partitions = 2) {
  const topics: Topics = createTopics({ executionPartitions: partitions, resourcePartitions: 1 });
  const clock = createVirtualClock({ start: START });
  const memory = createMemoryQueue({ clock, store: createMemoryStore() });
  const log = new ALog();
  const index = new AnIndex();
  const lines: string[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: (_fields, message) => void lines.push(`info ${message}`),
    warn: (_fields, message) => void lines.push(`warn ${message}`),
    error: (_fields, message) => void lines.push(`error ${message}`),
    child: () => logger,
  };
  const metrics = createMetrics({ process: false });
  const letters: DeadLetter[] = [];
  const beats: ServiceEvent[] = [];
  const generations = new Map<number, AnIndex>([[1, index]]);
  const publishes: number[] = [];
  /** What the executor makes of heartbeats. */
  const announceServices = async (records: readonly OutgoingRecord[]): Promise<void> => {
    for (const { topic, key, value } of records) {
      const event = topic.name === 'service-events' && value !== null ? topics.serviceEvents.decode(value) : undefined;
      if (event?.kind === 'heartbeat')
        await memory.publish([outgoing({ topic: topics.services, key, id: 'service', value: event.service })]);
    }
  };
  const queue: IndexerOptions['queue'] = {
    consume: log.consume,
    view: (topic) => memory.view(topic),
    publish: async (records) => {
      if (records.some(({ topic }) => topic.name === 'index-progress')) publishes.push(records.length);
      await memory.publish(records);
      await announceServices(records);
    },
  };
  await memory.tail(topics.deadLetters, {
    onRecord: ({ value }) => void (value && !isReplayMark(value) && letters.push(value)),
  });
  await memory.tail(topics.serviceEvents, { onRecord: ({ value }) => void (value && beats.push(value)) });
  const progress = await memory.view(topics.indexProgress);
  let count = 0;
  const indexer = (options: Partial<IndexerOptions> = {}): Service =>
    createIndexer({
      queue,
      topics,
      open: async (generation = 1) => {
        const opened = generations.get(generation) ?? index.next ?? new AnIndex(generation);
        generations.set(generation, opened);
        return opened;
      },
      context: { instance: `i${++count}`, clock, log: logger, metrics },
      batchSize: 10,
      refreshIntervalMs: 500,
      retention: {},
      random: () => 1,
      ...options,
    });
  return {
    topics,
    clock,
    memory,
    queue,
    log,
    index,
    lines,
    logger,
    metrics,
    letters,
    beats,
    publishes,
    indexer,
    shown: (topic: string, partition: number): number | undefined =>
      progress.get(indexProgressKey(topic, partition), INDEX_PROGRESS_ID)?.searchable,
    progress,
    /** Lets time pass until it holds. */
    until: async (holds: () => boolean, withinMs = 120_000): Promise<void> => {
      if (!(await clock.runUntil(holds, clock.now() + withinMs))) throw new Error(`Not within ${withinMs} ms`);
    },
    pass: (ms: number): Promise<boolean> => clock.runUntil(() => false, clock.now() + ms),
    /** Starts it, while time passes. */
    started: async (service: Service): Promise<Service> => {
      let isStarted = false;
      const starting = service.start().then(() => (isStarted = true));
      const hasRun = await clock.runUntil(() => isStarted, clock.now() + 60_000);
      if (!hasRun) throw new Error('The server did not start');
      await starting;
      return service;
    },
    stopped: async (service: Service): Promise<void> => {
      let isStopped = false;
      const stopping = service.stop().then(() => (isStopped = true));
      await clock.runUntil(() => isStopped, clock.now() + 60_000);
      if (!isStopped) throw new Error('The server did not stop within a minute');
      await stopping;
    },
  };
}
