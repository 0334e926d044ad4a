/// <reference types="jest" />
/* eslint-disable max-lines-per-function -- a suite is one function of many small tests */
import { meetsConditions, type OutgoingRecord, type RecordCondition } from '@millrace/model';
import type { Committed, Queue } from '@millrace/queue';
import type { MakeHarness } from './harness.js';
import type { Line } from './ledger.js';
import { setUp, type Setting } from './setting.js';

/**
 * Records that remove earlier ones. Whether a store removes them itself is its own affair; whoever reads a topic from its
 * start, and applies the removals in their order, ends with the same.
 */
export function purgingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  const line = (book: string, page: number, colour = 'red'): OutgoingRecord<Line> => ({
    topic: setting.topics.lines,
    key: book,
    value: { kind: 'line', book, page, colour },
  });
  const purge = (key: string, conditions: readonly RecordCondition[], broadcast = false): OutgoingRecord<Line> => ({
    topic: setting.topics.lines,
    key,
    value: { kind: 'purge', conditions },
    ...(broadcast ? { broadcast } : {}),
  });

  /** What a copy has that read everything: book and page of each line, sorted. */
  async function copied(queue: Queue): Promise<readonly string[]> {
    const kept: Committed<Line>[][] = [[], []];
    const tail = await queue.tail(setting.topics.lines, {
      from: 'start',
      onRecord(record) {
        const of = kept[record.partition] ?? [];
        const conditions = record.value?.kind === 'purge' ? record.value.conditions : undefined;
        const meets = ({ key, value }: Committed<Line>): boolean =>
          value !== null && meetsConditions(setting.topics.lines, conditions ?? [], { key, id: '', value });
        kept[record.partition] = conditions ? of.filter((one) => !meets(one)) : [...of, record];
      },
    });
    tail.close();
    return kept
      .flat()
      .flatMap(({ value }) => (value?.kind === 'line' ? [`${value.book} ${value.page}`] : []))
      .sort();
  }

  it.each<[string, readonly RecordCondition[], readonly string[]]>([
    ['a column that equals', [{ on: { column: 'book' }, equals: 'a' }], ['a.b 1', 'ab 1']],
    ['a text and what is within it', [{ on: { column: 'book' }, within: 'a' }], ['ab 1']],
    ['one of some', [{ on: { column: 'page' }, oneOf: [1, 3] }], ['a 2']],
    [
      'a range',
      [
        { on: { column: 'page' }, from: 2 },
        { on: { column: 'page' }, before: 3 },
      ],
      ['a 1', 'a 3', 'a.b 1', 'ab 1'],
    ],
    ['a member of the value', [{ on: { member: 'colour' }, equals: 'blue' }], ['a 1', 'a 2', 'a.b 1', 'ab 1']],
    [
      'all conditions together',
      [
        { on: { column: 'book' }, equals: 'a' },
        { on: { column: 'page' }, equals: 3 },
        { on: { member: 'colour' }, oneOf: ['blue'] },
      ],
      ['a 1', 'a 2', 'a.b 1', 'ab 1'],
    ],
    ['a column that there is not', [{ on: { column: 'nothing' }, equals: 1 }], ['a 1', 'a 2', 'a 3', 'a.b 1', 'ab 1']],
  ])('are chosen by %s', async (_what, conditions, left) => {
    const { queue } = await setting.start();
    await queue.publish([line('a', 1), line('a', 2), line('a', 3, 'blue'), line('a.b', 1), line('ab', 1)]);
    await queue.publish([purge('all', conditions, true)]);
    await setting.settle();
    expect(await copied(queue)).toEqual(left);
  });

  it('concern what was written before them, in their partition', async () => {
    const { queue } = await setting.start();
    const everything: readonly RecordCondition[] = [{ on: { column: 'book' }, within: 'a' }];
    await queue.publish([line('a', 1), purge('a', everything), line('a', 2)]);
    await queue.publish([line('a', 3)]);
    await setting.settle();
    expect(await copied(queue)).toEqual(['a 2', 'a 3']);
  });

  it('are told to those who follow', async () => {
    const { queue } = await setting.start();
    const told: unknown[] = [];
    await queue.tail(setting.topics.lines, { key: 'a', onRecord: ({ value }) => told.push(value?.kind) });
    await queue.publish([line('a', 1), purge('a', [{ on: { column: 'book' }, equals: 'a' }])]);
    await setting.settle();
    expect(told).toEqual(['line', 'purge']);
  });

  it('remove many, piece by piece, also when the process ends meanwhile', async () => {
    const first = await setting.start();
    const lines = Array.from({ length: 3_000 }, (_, page) => line('a', page, page % 2 === 0 ? 'red' : 'blue'));
    await first.queue.publish([...lines, line('z', 1)]);
    await first.queue.publish([
      purge('a', [{ on: { member: 'colour' }, equals: 'blue' }]),
      purge('a', [
        { on: { column: 'book' }, equals: 'a' },
        { on: { column: 'page' }, from: 10 },
      ]),
    ]);
    first.kill();
    const { queue } = await setting.start();
    await setting.settle();
    await setting.settle();
    expect(await copied(queue)).toEqual(['a 0', 'a 2', 'a 4', 'a 6', 'a 8', 'z 1']);
    await queue.publish([line('a', 5_000)]);
    expect(await copied(queue)).toContain('a 5000');
  });
}
