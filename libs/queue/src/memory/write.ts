import { meetsConditions, type Instant, type RecordCondition } from '@millrace/model';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { CommittedRecord } from '../store/contract.js';
import { at, topicData, type Log, type MemoryStore, type TopicData } from './data.js';

/** Writes records and answers them as committed ones. Throws before it has written anything. */
export function writeRecords(
  store: MemoryStore,
  records: readonly EncodedRecord[],
  writtenAt: Instant,
): CommittedRecord[] {
  const topics = records.map(({ topic }) => topicData(store, topic));
  return records.map((record, index) => {
    const { partition, key, id, text, broadcast } = record;
    const data = at(topics, index, 'topic');
    switch (record.topic.kind) {
      case 'events': {
        const log = at(data.logs, partition, 'partition');
        const position = log.start + log.rows.length;
        const conditions = record.topic.purges?.(record.value);
        if (conditions) purge(log, record.topic, conditions);
        log.rows.push({ position, key, broadcast, text: text ?? 'null', writtenAt });
        return { ...record, position };
      }
      case 'state':
        writeState(at(data.state, partition, 'partition'), key, id, text);
        if (store.isLog) count(at(data.offsets, partition, 'partition'), key, id, text);
        return { ...record, position: 0 };
      case 'jobs':
        if (text === null) data.jobs.delete(key);
        else data.jobs.set(key, text);
        return { ...record, position: 0 };
    }
  });
}

function purge(log: Log, topic: StoredTopic, conditions: readonly RecordCondition[]): void {
  log.rows.forEach((row, index) => {
    const value: unknown = row.purged ? undefined : topic.decode(JSON.parse(row.text));
    if (value === undefined || !meetsConditions(topic, conditions, { key: row.key, id: '', value })) return;
    log.rows[index] = { ...row, purged: true };
  });
}

function count(offsets: TopicData['offsets'][number], key: string, id: string, text: string | null): void {
  const offset = offsets.next++;
  const known = offsets.of.get(key) ?? new Map<string, number>();
  if (text === null) known.delete(id);
  else known.set(id, offset);
  if (known.size === 0) offsets.of.delete(key);
  else offsets.of.set(key, known);
}

function writeState(state: Map<string, Map<string, string>>, key: string, id: string, text: string | null): void {
  const records = state.get(key);
  if (text !== null) {
    if (records === undefined) state.set(key, new Map([[id, text]]));
    else records.set(id, text);
    return;
  }
  records?.delete(id);
  if (records?.size === 0) state.delete(key);
}
