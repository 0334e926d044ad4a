import type { Commit, EncodedRecord } from '../shell/commit.js';

/** A commit's state changes as records. */
export function stateRecords({ states, partition }: Pick<Commit, 'states' | 'partition'>): EncodedRecord[] {
  const records: EncodedRecord[] = [];
  for (const { topic, puts, removals } of states) {
    for (const { key, id } of removals)
      records.push({ topic, partition, key, id, value: null, text: null, broadcast: false });
    for (const { key, id, value, text } of puts)
      records.push({ topic, partition, key, id, value, text, broadcast: false });
  }
  return records;
}
