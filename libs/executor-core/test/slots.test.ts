import * as fc from 'fast-check';
import type { FlowEvent, SlotAnswered } from '@millrace/model';
import { slotEventOf, type SlotOccasion } from '../src/index.js';
import { returns, works } from './harness.js';
import { World } from './world.js';

const limited = (limit: number, behavior?: 'QUEUE' | 'CANCEL' | 'FAIL', more = {}) => ({
  flow: { tasks: [works('job')], concurrency: { limit, ...(behavior ? { behavior } : {}) }, ...more },
});
const statesOf = (world: World): string[] =>
  [...world.executions.values()].filter(({ state }) => state.exists).map(({ head }) => head.state);
const kill = (world: World, executionId: string): World =>
  world.send(executionId, { kind: 'kill-requested', tenant: 'main', executionId });

describe('a flow with a limit of concurrent executions', () => {
  it('queues those beyond it, and lets them in one after the other, the oldest first', () => {
    const world = new World(limited(1));
    for (const id of ['A', 'B', 'C']) world.start('flow', id);
    expect(statesOf(world)).toEqual(['RUNNING', 'QUEUED', 'QUEUED']);
    expect(world.execution('B').logs).toMatchObject([
      {
        level: 'INFO',
        message: "The flow 'test.flow' runs 1 executions at a time, and so many are running: this one waits",
      },
    ]);
    world.answer();
    expect(statesOf(world)).toEqual(['SUCCESS', 'RUNNING', 'QUEUED']);
    world.finish();
    expect(statesOf(world)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect(world.execution('C').head.histories.map(({ state }) => state)).toEqual([
      'CREATED',
      'QUEUED',
      'RUNNING',
      'SUCCESS',
    ]);
    expect(world.slotsOf('flow')).toMatchObject({ holders: 0, waiters: 0 });
  });

  it.each([
    ['CANCEL', 'CANCELLED', undefined],
    ['FAIL', 'FAILED', "The flow 'test.flow' runs 1 executions at a time, and so many are running"],
  ] as const)('with %s ends them at once as %s, without task runs', (behavior, state, failure) => {
    const world = new World(limited(1, behavior));
    world.start('flow', 'A');
    const refused = world.start('flow', 'B');
    expect(refused.head).toMatchObject({ state, progress: { section: 'ended' }, ...(failure ? { failure } : {}) });
    expect(refused.runs).toEqual([]);
    // It held nothing, so nothing is given back.
    expect(world.slotsOf('flow')).toMatchObject({ holders: 1, waiters: 0 });
    world.finish();
    expect(world.start('flow', 'C').head.state).toBe('RUNNING');
  });

  it('keeps the slot until all that comes after the execution has ended', () => {
    const world = new World({
      flow: { tasks: [returns('t', 'x')], concurrency: { limit: 1 }, afterExecution: [works('after')] },
    });
    world.start('flow', 'A');
    world.start('flow', 'B');
    expect(statesOf(world)).toEqual(['SUCCESS', 'QUEUED']);
    world.answer();
    expect(world.execution('B').head.state).toBe('SUCCESS');
  });

  it('forgets a waiter that is killed, and frees the slot of one that runs', () => {
    const world = new World(limited(1));
    for (const id of ['A', 'B', 'C']) world.start('flow', id);
    kill(world, 'B');
    expect(statesOf(world)).toEqual(['RUNNING', 'KILLED', 'QUEUED']);
    expect(world.slotsOf('flow')).toMatchObject({ holders: 1, waiters: 1 });
    kill(world, 'A');
    expect(statesOf(world)).toEqual(['KILLED', 'KILLED', 'RUNNING']);
    world.finish();
    expect(world.slotsOf('flow')).toMatchObject({ holders: 0, waiters: 0 });
  });

  it('takes a slot back that was granted to an execution that had ended meanwhile, once', () => {
    const world = new World(limited(1));
    world.mail.length = 0;
    const requested = world.executionRequested('flow', 'A');
    world.handOver('A', requested);
    // The request of a slot is under way when the kill comes.
    world.handOver('A', { kind: 'kill-requested', tenant: 'main', executionId: 'A' });
    world.deliver();
    expect(world.execution('A').head.state).toBe('KILLED');
    expect(world.slotsOf('flow')).toMatchObject({ holders: 0, waiters: 0 });
    world.start('flow', 'B');
    world.start('flow', 'C');
    expect(statesOf(world)).toEqual(['KILLED', 'RUNNING', 'QUEUED']);
  });

  it('follows the latest definition: more room lets waiters in, none lets all in, less lets nobody out', () => {
    const world = new World(limited(1));
    for (const id of ['A', 'B', 'C', 'D']) world.start('flow', id);
    world.save('flow', limited(2).flow, 2);
    expect(statesOf(world)).toEqual(['RUNNING', 'RUNNING', 'QUEUED', 'QUEUED']);
    world.save('flow', limited(1).flow, 3);
    // An older definition that comes late changes nothing.
    world.slotEvent({ ...changed, revision: 2, concurrency: { limit: 9 } });
    world.answer();
    expect(statesOf(world)).toEqual(['SUCCESS', 'RUNNING', 'QUEUED', 'QUEUED']);
    world.save('flow', { tasks: [works('job')] }, 4);
    expect(statesOf(world)).toEqual(['SUCCESS', 'RUNNING', 'RUNNING', 'RUNNING']);
  });

  it('asks holders of whom nobody knows anything when it is recounted', () => {
    const world = new World(limited(1));
    world.slotEvent({ ...place, kind: 'slot-requested', executionId: 'ghost' });
    world.mail.length = 0;
    expect(world.start('flow', 'A').head.state).toBe('QUEUED');
    world.slotEvent({ ...place, kind: 'slots-recounted' });
    world.deliver();
    expect(statesOf(world)).toEqual(expect.arrayContaining(['RUNNING']));
    expect(world.slotsOf('flow')).toMatchObject({ holders: 1, waiters: 0 });
  });

  it('holds a Subflow like any other execution', () => {
    const call = { id: 'call', type: 'core.flow.Subflow', namespace: 'test', flowId: 'flow' };
    const world = new World({ ...limited(1), parent: { tasks: [call] } });
    world.start('flow', 'A');
    world.start('parent', 'P');
    expect(world.children('P').map(({ head }) => head.state)).toEqual(['QUEUED']);
    world.finish();
    expect(world.execution('P').head.state).toBe('SUCCESS');
  });
});

const place = { tenant: 'main', namespace: 'test', flowId: 'flow' };
const changed = { ...place, kind: 'flow-changed' } as const;

describe('the event for the slots', () => {
  it.each<[SlotOccasion, FlowEvent['kind']]>([
    ['begin', 'slot-requested'],
    ['restart', 'slot-taken'],
    ['force-run', 'slot-taken'],
    ['unqueue', 'slot-taken'],
    ['fully-ended', 'slot-released'],
    ['delete', 'slot-released'],
  ])('of %s is %s', (occasion, kind) => {
    expect(slotEventOf({ ...place, executionId: 'E' }, occasion)).toEqual({ ...place, kind, executionId: 'E' });
  });
});

type Act =
  | { readonly act: 'start' | 'kill' | 'repeat' | 'recount' | 'answer'; readonly which: number }
  | { readonly act: 'deliver' };

describe('slots, whatever happens in whatever order', () => {
  const acts = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ act: fc.constant<'start'>('start'), which: fc.nat(5) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          act: fc.constantFrom<'kill' | 'repeat' | 'recount' | 'answer'>(
            'kill',
            'repeat',
            'recount',
            'answer',
            'answer',
          ),
          which: fc.nat(5),
        }),
      },
      { weight: 6, arbitrary: fc.record({ act: fc.constant<'deliver'>('deliver') }) },
    ),
    { maxLength: 60 },
  );

  it('are never held by more than the limit, and by nobody when all have ended', () => {
    fc.assert(
      fc.property(acts, fc.integer({ min: 1, max: 3 }), (script: readonly Act[], limit) => {
        const world = new World(limited(limit));
        const held = (): number =>
          [...world.executions.values()].filter(({ state }) => state.exists && state.head.slot === 'held').length;
        for (const step of script) {
          perform(world, step);
          expect(held()).toBeLessThanOrEqual(limit);
          expect(world.slotsOf('flow').holders).toBeLessThanOrEqual(limit);
        }
        world.deliver();
        world.finish();
        for (const { head } of world.executions.values()) expect(['SUCCESS', 'KILLED']).toContain(head.state);
        expect(world.slotsOf('flow')).toMatchObject({ holders: 0, waiters: 0 });
      }),
      { numRuns: 300 },
    );
  });
});

function perform(world: World, step: Act): void {
  if (step.act === 'deliver') return world.mail.shift()?.();
  const executionId = `E${step.which}`;
  const exists = world.executions.get(executionId)?.state.exists === true;
  if (step.act === 'start') return world.handOver(executionId, world.executionRequested('flow', executionId));
  if (step.act === 'recount') return world.slotEvent({ ...place, kind: 'slots-recounted' });
  if (step.act === 'answer') return world.jobs.length > 0 ? void world.answer() : undefined;
  if (!exists) return;
  if (step.act === 'kill') {
    return world.handOver(executionId, { kind: 'kill-requested', tenant: 'main', executionId });
  }
  // An answer that comes again says nothing new.
  const again: SlotAnswered = { ...place, kind: 'slot-answered', executionId, answer: 'queued' };
  world.handOver(executionId, again);
}
