import { randomBytes } from 'node:crypto';
import { keyOf, outgoing, triggerRecordId, triggersKey, type OutgoingRecord } from '@millrace/model';
import { partitionOf, type LoggedRecord } from '@millrace/queue';
import { connectElasticsearch, createElasticsearchPart, createIndexStore } from '../src/elasticsearch/index.js';
import { INDEXED_TOPICS, repositoryOf, type IndexedTopic, type IndexStore, type Settlement } from '../src/index.js';
import { createdOf, topics, VARIABLES, type Filled } from './database.js';
import type { Written } from './removing-cases.js';

/** An index of its own on a node. */
export const connectTo = (url: string, indexPrefix = `test-${randomBytes(6).toString('hex')}-`) =>
  connectElasticsearch({ nodes: [url], indexPrefix, shards: 1, replicas: 0, requestTimeoutMs: 60_000 });

/** Gives records their places in a log, and writes them to an index as an indexer does. */
export class IndexWriter {
  readonly #store: IndexStore;
  readonly #next = new Map<string, number>();

  constructor(store: IndexStore) {
    this.#store = store;
  }

  /** The records of one topic, as they would be read from a log. */
  logged(records: readonly OutgoingRecord[]): LoggedRecord<unknown>[] {
    return records.flatMap(({ topic, key, id = '', value, broadcast }) => {
      const partitions = broadcast
        ? Array.from({ length: topic.partitions }, (_, at) => at)
        : [partitionOf(key, topic.partitions)];
      return partitions.map((partition) => {
        const place = `${topic.name}/${partition}`;
        const offset = this.#next.get(place) ?? 0;
        this.#next.set(place, offset + 1);
        // As it comes from a log.
        return {
          key,
          id,
          value: value === null ? null : topic.decode(JSON.parse(JSON.stringify(value))),
          partition,
          offset,
          writtenAt: 0,
        };
      });
    });
  }

  async write(records: readonly OutgoingRecord[]): Promise<readonly Settlement[]> {
    const settlements: Settlement[] = [];
    for (const topic of INDEXED_TOPICS) {
      const logged = this.logged(records.filter((record) => record.topic.name === topic));
      for (let at = 0; at < logged.length; at += 1_000)
        settlements.push(...(await this.#store.write(topic satisfies IndexedTopic, logged.slice(at, at + 1_000))));
    }
    await this.#store.refresh('mine');
    return settlements;
  }
}

/** An index that is filled with records of a queue. @param url tells where the node runs, when it runs */
export function createIndexed(url: () => string): Filled {
  let filled: OutgoingRecord[] = [];
  let opened: { readonly connection: ReturnType<typeof connectTo>; readonly writer: IndexWriter } | undefined;
  const open = async () => {
    if (opened) return opened;
    const connection = connectTo(url());
    const store = createIndexStore({ connection });
    await store.prepare();
    opened = { connection, writer: new IndexWriter(store) };
    return opened;
  };
  const add = (record: OutgoingRecord): void => void filled.push(record);
  return {
    execution(head, created = createdOf(head)) {
      const key = keyOf(head.tenant, head.executionId);
      add(outgoing({ topic: topics.executions, key, id: 'head', value: head }));
      add(outgoing({ topic: topics.executions, key, id: 'created', value: created }));
      add(outgoing({ topic: topics.executions, key, id: 'variables', value: VARIABLES }));
    },
    taskRun: (one) =>
      add(outgoing({ topic: topics.taskRuns, key: keyOf(one.tenant, one.executionId), id: one.id, value: one })),
    log: (entry) => add(outgoing({ topic: topics.logs, key: keyOf(entry.tenant, entry.executionId), value: entry })),
    metric: (entry) =>
      add(outgoing({ topic: topics.metrics, key: keyOf(entry.tenant, entry.executionId), value: entry })),
    trigger: (state) =>
      add(
        outgoing({
          topic: topics.triggers,
          key: triggersKey(state.tenant, state.namespace, state.flowId),
          id: triggerRecordId(state.triggerId),
          value: state,
        }),
      ),
    async written() {
      const { writer } = await open();
      const settlements = await writer.write(filled);
      filled = [];
      const odd = settlements.filter(({ kind }) => kind !== 'written' && kind !== 'nothing');
      if (odd.length > 0) throw new Error(`Not everything was written: ${JSON.stringify(odd.slice(0, 3))}`);
    },
    open: async () => repositoryOf(createElasticsearchPart((await open()).connection)),
    remove: async () => opened?.connection.close(),
  };
}

/** A repository that shows what is published. */
export async function openIndexed(url: string): Promise<Written> {
  const connection = connectTo(url);
  const store = createIndexStore({ connection });
  await store.prepare();
  const writer = new IndexWriter(store);
  return {
    queue: { publish: async (records) => void (await writer.write(records)), close: () => connection.close() },
    repository: repositoryOf(createElasticsearchPart(connection)),
  };
}
