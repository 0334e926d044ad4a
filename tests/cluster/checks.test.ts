import { Checker, type Findings } from './checker.js';
import type { Expectation } from './executions-check.js';
import { IndexProgress } from './chaos/index-progress.js';
import type { TopicRecord } from './topics.js';

/* What the checker notices that no broken variant of the servers shows: records as faulty servers would write them. */

const EXPECTATIONS: ReadonlyMap<string, Expectation> = new Map([
  ['parent', { expected: /^(SUCCESS|KILLED)$/, children: { least: 1, most: 1 } }],
  ['child', { expected: /^(SUCCESS|KILLED)$/ }],
]);
const key = (id: string, record: string): string => `${`main/${id}`.length}:main/${id}${record}`;

let offset = 0;
const record = (topic: string, recordKey: string, value: unknown): TopicRecord => ({
  topic,
  partition: 0,
  offset: offset++,
  timestamp: 0,
  key: recordKey,
  value,
});
let revision = 0;
const head = (executionId: string, flowId: string, state: string): TopicRecord =>
  record('executions', key(executionId, 'head'), { kind: 'head', executionId, flowId, state, revision: ++revision });
const created = (executionId: string, parent?: string): TopicRecord =>
  record('executions', key(executionId, 'created'), {
    kind: 'created',
    executionId,
    ...(parent === undefined ? {} : { parent: { executionId: parent, taskRunId: 't', waits: true } }),
  });
const FLOW = 'main/test/limited';
const slot = (executionId: string, value: object | null): TopicRecord =>
  record('flow-state', `${FLOW.length}:${FLOW}${executionId}`, value);
const holder = (executionId: string): TopicRecord => slot(executionId, { kind: 'holder', executionId });
/** The marker of a transaction takes an offset. */
const commit = (): void => void offset++;

function findings(records: readonly TopicRecord[], acknowledged: ReadonlyMap<string, string> = new Map()): Findings {
  const checker = new Checker({ expectations: EXPECTATIONS, limits: new Map([['limited', 1]]) });
  for (const one of records) checker.see(one);
  return checker.finish(acknowledged);
}

describe('the checker', () => {
  it('finds nothing wrong with a family that ended in order', () => {
    const records = [
      created('p'),
      head('p', 'parent', 'RUNNING'),
      created('c', 'p'),
      head('c', 'child', 'SUCCESS'),
      head('p', 'parent', 'SUCCESS'),
    ];
    expect(findings(records, new Map([['p', 'parent']])).violations).toEqual([]);
  });

  it('lets an execution show a record again, and notices another one with the same revision', () => {
    const one = head('p', 'child', 'SUCCESS');
    const { key: recordKey, value } = one;
    expect(findings([one, record('executions', recordKey, value)]).violations).toEqual([]);
    const other = record('executions', recordKey, { ...(value as object), labels: [] });
    expect(findings([one, other]).violations).toEqual([expect.stringContaining('was written after revision')]);
  });

  it('notices an execution that was acknowledged and is lost, one that never ends, and one that ends twice', () => {
    const records = [
      head('open', 'child', 'RUNNING'),
      head('twice', 'child', 'SUCCESS'),
      head('twice', 'child', 'RUNNING'),
      head('twice', 'child', 'SUCCESS'),
    ];
    const { violations } = findings(records, new Map([['lost', 'child']]));
    expect(violations).toContain('child lost was acknowledged and is nowhere');
    expect(violations).toContain('child open never ended: it is RUNNING');
    expect(violations).toContain('child twice ended 2 times');
  });

  it('notices a child that outlives the kill of its parent, and one that was started twice', () => {
    const survived = [head('p', 'parent', 'KILLED'), created('c', 'p'), head('c', 'child', 'SUCCESS')];
    expect(findings(survived).violations).toEqual(['parent p was killed, and c that it started is SUCCESS']);
    const doubled = [
      head('p', 'parent', 'SUCCESS'),
      ...['c', 'd'].flatMap((id) => [created(id, 'p'), head(id, 'child', 'SUCCESS')]),
    ];
    expect(findings(doubled).violations).toEqual(['parent p started 2 executions']);
  });

  it('notices a limit that is passed between two transactions, and not a slot that changes hands in one', () => {
    const handedOver = [holder('a'), (commit(), holder('b')), slot('a', null), (commit(), slot('b', null))];
    expect(findings(handedOver).violations).toEqual([]);
    const passed = [holder('a'), (commit(), holder('b')), (commit(), slot('a', null)), slot('b', null)];
    expect(findings(passed).violations).toEqual(['limited: 2 executions held a slot at a time, and 1 may']);
  });

  it('notices slots that are still held, waiters that are left, and dead letters', () => {
    const left = [
      holder('a'),
      slot('b', { kind: 'waiter', executionId: 'b' }),
      record('dead-letters', 'k', { reason: 'x' }),
    ];
    expect(findings(left).violations).toEqual([
      'A record became a dead letter: {"reason":"x"}',
      `${FLOW}: a slot is still held: a`,
      `${FLOW}: somebody still waits for a slot: b`,
    ]);
  });
});

describe('the progress of the index', () => {
  it('counts a record as found when what is searchable is beyond it, whichever of the two came first', () => {
    const progress = new IndexProgress();
    const log = (at: number): TopicRecord => ({ ...record('logs', 'k', {}), offset: at, timestamp: 1_000 });
    const searchable = (to: number): TopicRecord => ({
      ...record('index-progress', 'k', { topic: 'logs', partition: 0, searchable: to }),
      timestamp: 1_500,
    });
    for (const one of [log(0), log(1), searchable(1), searchable(3), log(2), log(3)]) progress.see(one);
    expect(progress.pending).toBe(1);
    expect(progress.behindMs(4_000)).toBe(3_000);
    expect(progress.lags()).toEqual([500, 500]);
  });
});
