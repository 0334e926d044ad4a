import { JournaledRecords } from '../src/shell/record-set.js';
import { Timers } from '../src/shell/timers.js';
import { encode, encodeValue } from '../src/shell/encode.js';
import { partitionOf } from '../src/index.js';
import type { EncodedRecord, StoredTopic } from '../src/shell/commit.js';

const before: readonly (readonly [string, number])[] = [
  ['a', 1],
  ['b', 2],
];

describe('the records of a key', () => {
  it.each<[string, (records: JournaledRecords<number>) => void, readonly string[]]>([
    ['a put of a new id', (records) => records.put('c', 3), ['c']],
    ['a put of a known id', (records) => records.put('a', 9), ['a']],
    ['several puts of one id', (records) => [5, 6, 7].forEach((value) => records.put('a', value)), ['a']],
    ['a removal', (records) => records.remove('b'), ['b']],
    ['a removal of what is not there', (records) => records.remove('z'), []],
    ['a removal and a put', (records) => (records.remove('a'), records.put('a', 4)), ['a']],
    ['a put and a removal of a new id', (records) => (records.put('c', 3), records.remove('c')), ['c']],
  ])('%s is undone, with its listener told, and only it is touched', (_what, change, touched) => {
    const records = new JournaledRecords<number>(before);
    const index = new Map<string, number>(before);
    records.onChange((id, _before, after) => (after === undefined ? index.delete(id) : index.set(id, after)));
    change(records);
    expect([...records.touched().keys()]).toEqual(touched);
    expect(new Map(records.entries())).toEqual(index);
    records.undo();
    expect(new Map(records.entries())).toEqual(new Map(before));
    expect(index).toEqual(new Map(before));
    expect(records.touched().size).toBe(0);
  });

  it('settled changes are not undone', () => {
    const records = new JournaledRecords<number>(before);
    records.put('a', 9);
    records.settle();
    records.put('a', 10);
    records.undo();
    expect(records.get('a')).toBe(9);
  });
});

describe('timers', () => {
  const drain = (timers: Timers, now: number): string[] => {
    const keys: string[] = [];
    for (let key = timers.take(now); key !== undefined; key = timers.take(now)) keys.push(key);
    return keys;
  };

  it('come in the order of their times, equal ones in the order of their setting', () => {
    const timers = new Timers();
    const times = [5, 3, 9, 3, 1, 7, 5, 2];
    times.forEach((due, index) => timers.set(`k${index}`, due));
    expect(timers.next()).toBe(1);
    expect(drain(timers, 5)).toEqual(['k4', 'k7', 'k1', 'k3', 'k0', 'k6']);
    expect(drain(timers, 100)).toEqual(['k5', 'k2']);
  });

  it('count only as last set', () => {
    const timers = new Timers();
    for (let round = 0; round < 1_000; round++) timers.set('moved', 1_000 - round);
    timers.set('cleared', 1);
    timers.set('cleared', undefined);
    timers.set('late', 2);
    timers.postpone('late', 50);
    expect(drain(timers, 10)).toEqual(['moved']);
    expect(timers.next()).toBe(50);
  });
});

describe('records on their way', () => {
  const topic: StoredTopic = { name: 'events', kind: 'events', partitions: 3, decode: (stored) => stored };

  it('a broadcast goes to every partition', () => {
    const records: EncodedRecord[] = [];
    encode({ topic, key: 'a', value: { n: 1 }, broadcast: true }, records);
    expect(records.map(({ partition, text }) => [partition, text])).toEqual([
      [0, '{"n":1}'],
      [1, '{"n":1}'],
      [2, '{"n":1}'],
    ]);
  });

  it('what cannot be stored is refused by name', () => {
    expect(() => encodeValue(topic, 'a', '', undefined)).toThrow("of 'events' has no JSON form");
    expect(() => encodeValue(topic, 'a', '', 'x'.repeat(900_000))).toThrow('more than 900000');
  });

  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
  ])('places %s as Kafka does', (key, murmur2) => {
    expect(partitionOf(key, 1_000)).toBe((murmur2 & 0x7fffffff) % 1_000);
  });
});
