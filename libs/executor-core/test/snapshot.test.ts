import type { SnapshotPart } from '@millrace/model';
import { snapshotParts } from '../src/index.js';
import { aFlow, Harness, returns, works } from './harness.js';

/** Characters that the queue takes in one record. */
const RECORD_LENGTH_MAX = 900_000;

const ended = (): Harness =>
  new Harness(aFlow({ tasks: [returns('a', 'one'), works('b')] }))
    .start()
    .finish((job) => ({ state: job.task.id === 'b' ? 'FAILED' : 'SUCCESS' }));

/** The snapshot of an execution in parts of one record each. */
function partsOf(source: Harness, snapshot = 'snapshot'): readonly SnapshotPart[] {
  const [all] = snapshotParts(source.records.map, source.state.head, snapshot);
  if (all === undefined) throw new Error('There is no part');
  const { total, begins: _begins, records, ...place } = all;
  const ids = Object.entries(records);
  return ids.map(([id, record], at) => ({
    ...place,
    records: { [id]: record },
    ...(at === 0 ? { begins: true } : {}),
    ...(at === ids.length - 1 && total !== undefined ? { total } : {}),
  }));
}

const restart = (harness: Harness): Harness => {
  const { tenant, executionId } = ended().state.head;
  harness.send({
    kind: 'operation-requested',
    tenant,
    executionId,
    commandId: 'command',
    replyTo: 'webserver',
    at: harness.now,
    operation: { kind: 'restart' },
  });
  return harness;
};

const fresh = (source: Harness): Harness => new Harness(source.flow, source.inputs);

describe('the snapshot of an execution that has left', () => {
  it('brings back exactly its records, and it goes on with them', () => {
    const source = ended();
    const { revision } = source.state.head;
    const again = fresh(source);
    for (const part of partsOf(source)) again.send(part);
    expect(again.records.map).toEqual(source.records.map);
    restart(again).finish();
    expect(again.state.head.state).toBe('SUCCESS');
    expect(again.state.head.revision).toBeGreaterThan(revision);
  });

  it('is not used when a part is missing, whichever', () => {
    const source = ended();
    const parts = partsOf(source);
    for (const missing of parts.keys()) {
      const again = fresh(source);
      for (const [at, part] of parts.entries()) if (at !== missing) again.send(part);
      expect(again.state.exists).toBe(false);
      // Sent once more, it is used, and nothing of the first is left.
      for (const part of parts) again.send(part);
      expect(again.records.map).toEqual(source.records.map);
    }
  });

  it('changes nothing when it comes twice, or the execution has gone on', () => {
    const source = ended();
    const parts = partsOf(source);
    const again = fresh(source);
    for (const part of [...parts, ...parts]) again.send(part);
    expect(again.records.map).toEqual(source.records.map);
    restart(again);
    const before = new Map(again.records.map);
    for (const part of parts) again.send(part);
    expect(again.records.map).toEqual(before);
  });

  it('is not mixed with another one that is sent at the same time, whichever way they come', () => {
    const source = ended();
    const other = restart(ended()).finish();
    const [older, newer] = [partsOf(source, 'older'), partsOf(other, 'newer')];
    expect(other.records.map).not.toEqual(source.records.map);
    for (let seed = 1; seed <= 200; seed++) {
      const again = fresh(source);
      let random = seed;
      const [one, two] = [[...older], [...newer]];
      while (one.length + two.length > 0) {
        random = (random * 48_271) % 2_147_483_647;
        const part = (two.length === 0 || (one.length > 0 && random % 2 === 0) ? one : two).shift();
        if (part !== undefined) again.send(part);
      }
      expect([source.records.map, other.records.map]).toContainEqual(again.records.map);
    }
  });

  it('says nothing of itself in an execution that has begun', () => {
    const source = ended();
    const again = fresh(source);
    for (const part of partsOf(source)) again.send(part);
    expect(again.records.map.get('created')).not.toHaveProperty('snapshot');
  });

  it('has a part of its own for each record that is larger than a part', () => {
    const source = ended();
    const { tenant, executionId } = source.state.head;
    const records = new Map(source.records.map);
    for (const id of ['large', 'larger']) {
      records.set(id, { kind: 'variables', variables: { text: 'x'.repeat(RECORD_LENGTH_MAX - 1_000) } });
    }
    const parts = snapshotParts(records, { tenant, executionId }, 'snapshot');
    expect(Math.max(...parts.map((part) => JSON.stringify(part).length))).toBeLessThan(RECORD_LENGTH_MAX);
    expect(parts.flatMap((part) => Object.keys(part.records))).toHaveLength(records.size);
    expect(Object.keys(parts[0]?.records ?? {})).toContain('created');
    expect(Object.keys(parts.at(-1)?.records ?? {})).toContain('head');
  });
});
