import { ClusterState, createTopics, derivedId, keyOf, placedId, placementOf } from '../src/index.js';

const ID = derivedId('some', 'execution');

describe('the placement in an id', () => {
  it('is one mark after the 22 characters, and none for the first', () => {
    expect(placedId(ID, 0)).toBe(ID);
    expect(placedId(ID, 1)).toBe(`${ID}-1`);
    expect(placedId(ID, 61)).toBe(`${ID}-z`);
    expect(() => placedId(ID, 62)).toThrow('62 placements at most');
    for (const placement of [0, 1, 9, 10, 35, 36, 61]) expect(placementOf(placedId(ID, placement))).toBe(placement);
  });

  it.each(['', 'execution-1', `${ID}_1`, `${ID}-`, `${ID}-1x`, `x${ID}-1`])('is the first of %j', (id) => {
    expect(placementOf(id)).toBe(0);
  });
});

describe('a cluster that has grown', () => {
  const cluster = new ClusterState([4, 8, 24]);

  it('spreads each key over the partitions of its placement', () => {
    expect(cluster.partitionsFor(keyOf('main', ID))).toBe(4);
    expect(cluster.partitionsFor(keyOf('main', placedId(ID, 1)))).toBe(8);
    expect(cluster.partitionsFor(keyOf('a tenant/x', placedId(ID, 2)))).toBe(24);
    // Nobody has proposed it, so there is no such execution.
    expect(cluster.partitionsFor(keyOf('main', placedId(ID, 3)))).toBe(4);
    for (const key of ['', '-1', 'all', 'main/execution-1', keyOf('main', `x${ID}-1`)])
      expect(cluster.partitionsFor(key)).toBe(4);
  });

  it('keeps to what was found until it is told, and tells of more partitions', () => {
    const told = new ClusterState(16, { toBeTold: true });
    const { executions, logs } = createTopics({ executionPartitions: told, resourcePartitions: 1 });
    let grown = 0;
    const stop = told.onGrowth(() => grown++);
    told.found(4);
    told.tell(undefined);
    told.found(9);
    expect([executions.partitions, logs.partitions, told.counts, grown]).toEqual([4, 4, [4], 0]);
    told.tell({ format: 2, placements: [{ partitions: 4 }, { partitions: 8 }], current: 0 });
    told.tell({ format: 2, placements: [{ partitions: 4 }, { partitions: 8 }], current: 1 });
    expect([executions.partitions, logs.partitions, told.current, told.format, grown]).toEqual([8, 8, 1, 2, 1]);
    stop();
    told.tell({ format: 2, placements: [{ partitions: 4 }, { partitions: 8 }, { partitions: 9 }], current: 1 });
    expect([executions.partitions, grown]).toEqual([9, 1]);
  });
});
