import { CLUSTER_ID, type ClusterChange, type ClusterRecord, type ServiceInstance } from '@millrace/model';
import { nextClusterChange } from '../src/index.js';
import { Key } from './key.js';

const service = (instance: string, more: Partial<ServiceInstance> = {}): ServiceInstance => ({
  instance,
  role: 'worker',
  host: 'here',
  state: 'RUNNING',
  startedAt: 0,
  heartbeatAt: 0,
  format: 2,
  ...more,
});
const record = (more: Partial<ClusterRecord> = {}): ClusterRecord => ({
  kind: 'cluster',
  format: 2,
  placements: [{ partitions: 4 }],
  current: 0,
  ...more,
});
const GROWN = record({ placements: [{ partitions: 4 }, { partitions: 8 }] });

describe('what a cluster is ready for', () => {
  const wish = { format: 2, partitions: 4, wantedPartitions: 4, version: '2.0.0' };

  it('is the next level when every live server reads it', () => {
    expect(nextClusterChange(undefined, [service('a'), service('b', { format: 1 })], wish)).toBeUndefined();
    for (const state of ['MAINTENANCE', 'TERMINATING'] as const)
      expect(nextClusterChange(undefined, [service('a'), service('b', { format: 1, state })], wish)).toBeUndefined();
    const gone = service('b', { format: 1, state: 'DISCONNECTED' });
    expect(nextClusterChange(undefined, [service('a'), gone], wish)).toEqual({
      kind: 'raise-level',
      to: 2,
      partitions: 4,
      version: '2.0.0',
    });
  });

  it('is one level after the other, and never one that nobody has', () => {
    const services = [service('a', { format: 9 })];
    expect(nextClusterChange(record(), services, { ...wish, format: 9 })).toMatchObject({ kind: 'raise-level', to: 3 });
    expect(nextClusterChange(record(), services, wish)).toBeUndefined();
    expect(nextClusterChange(undefined, [], wish)).toBeUndefined();
  });

  it('is more partitions when they are wanted, and never fewer', () => {
    const services = [service('a')];
    expect(nextClusterChange(record(), services, { ...wish, wantedPartitions: 8 })).toEqual({
      kind: 'propose-placement',
      after: 1,
      partitions: 8,
    });
    expect(nextClusterChange(record(), services, { ...wish, wantedPartitions: 2 })).toBeUndefined();
    const old = [service('a'), service('b', { format: 1 })];
    expect(nextClusterChange(undefined, old, { ...wish, wantedPartitions: 8 })).toBeUndefined();
  });

  it('is the use of a placement when every live server knows it', () => {
    const knows = service('a', { placements: 2 });
    expect(nextClusterChange(GROWN, [knows, service('b')], wish)).toBeUndefined();
    expect(nextClusterChange(GROWN, [knows, service('b', { placements: 2 })], wish)).toEqual({
      kind: 'use-placement',
      placement: 1,
    });
    expect(nextClusterChange(record({ ...GROWN, current: 1 }), [knows], wish)).toBeUndefined();
  });
});

describe('the owner of the cluster', () => {
  const raise = (to: number): ClusterChange => ({ kind: 'raise-level', to, partitions: 4, version: '2.0.0' });

  it('begins with the partitions that the topics have, and takes each change once', () => {
    const key = new Key();
    expect(key.send(raise(2))).toMatchObject({ kind: 'done', resource: record({ version: '2.0.0' }) });
    expect(key.send(raise(2))).toMatchObject({ kind: 'refused', reason: 'conflict' });
    const propose: ClusterChange = { kind: 'propose-placement', after: 1, partitions: 8 };
    expect(key.send(propose)).toMatchObject({ kind: 'done' });
    expect(key.send(propose)).toMatchObject({ kind: 'refused', reason: 'conflict' });
    expect(key.send({ kind: 'propose-placement', after: 2, partitions: 16 })).toMatchObject({ kind: 'refused' });
    expect(key.send({ kind: 'use-placement', placement: 1 })).toMatchObject({ kind: 'done', resource: { current: 1 } });
    expect(key.send({ kind: 'use-placement', placement: 1 })).toMatchObject({ kind: 'refused' });
    expect(key.send({ kind: 'use-placement', placement: 2 })).toMatchObject({ kind: 'refused' });
  });

  it('refuses what would skip a level, fall, shrink, or add partitions below level 2', () => {
    const key = new Key();
    expect(key.send({ kind: 'propose-placement', after: 1, partitions: 8 })).toEqual({
      kind: 'refused',
      reason: 'conflict',
      message: 'Partitions are added at level 2, and the level is 1',
    });
    expect(key.send(raise(3))).toMatchObject({ kind: 'refused' });
    key.send(raise(2));
    expect(key.send(raise(1))).toMatchObject({ kind: 'refused' });
    expect(key.send({ kind: 'propose-placement', after: 1, partitions: 4 })).toMatchObject({ reason: 'invalid' });
    const stored = key.records.get(CLUSTER_ID);
    expect(stored).toEqual(record({ version: '2.0.0' }));
  });
});
