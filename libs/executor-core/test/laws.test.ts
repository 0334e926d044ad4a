import * as fc from 'fast-check';
import { randomFlow, randomFlowWithExits, type RandomFlow } from '@millrace/testing';
import {
  isTerminal,
  type ExecutionEvent,
  type ExecutionOperation,
  type JobOutcome,
  type JobProgressed,
  type Progress,
  type State,
  type TaskRun,
} from '@millrace/model';
import { evolve, ExecutionState, type Input } from '../src/index.js';
import { aFlow, claimOf, Harness, MemoryRecords } from './harness.js';

const RUNS = Number(process.env['LAW_RUNS'] ?? 300);

/** Answers of the worker, drawn from the case; when they are used up, all is well. */
interface Case {
  readonly flow: RandomFlow;
  readonly outcomes: readonly JobOutcome['state'][];
  readonly order: readonly number[];
  /** What somebody wants of it, in its course and after its end. */
  readonly operations: readonly Wanted[];
  readonly breakpoints: readonly string[];
}

/** `draw` chooses a task run or a state. */
interface Wanted {
  readonly kind: Exclude<ExecutionOperation['kind'], 'pause' | 'replay'> | 'kill';
  readonly draw: number;
}

const casesOf = (flow: fc.Arbitrary<RandomFlow>): fc.Arbitrary<Case> =>
  fc.record({
    flow,
    outcomes: fc.array(fc.constantFrom<JobOutcome['state']>('SUCCESS', 'SUCCESS', 'SUCCESS', 'FAILED', 'WARNING'), {
      maxLength: 30,
    }),
    order: fc.array(fc.nat(100), { maxLength: 60 }),
    operations: fc.array(
      fc.record({
        kind: fc.constantFrom<Wanted['kind']>(
          'restart',
          'restart',
          'restart',
          'kill',
          'change-task-run-state',
          'change-status',
          'set-labels',
          'add-labels',
          'force-run',
          'unqueue',
          'resume',
          'delete',
        ),
        draw: fc.nat(100),
      }),
      { maxLength: 5 },
    ),
    breakpoints: fc.uniqueArray(fc.constantFrom('t1', 't2', 't3', 't4', 't5', 't6'), { maxLength: 2 }),
  });
const cases = casesOf(randomFlow);
/** An Exit may stand beside what still runs. */
const casesWithExits = casesOf(randomFlowWithExits);

type Claim = ReturnType<Harness['claim']>;

/** What a worker tells of the children of a WorkingDirectory. */
const newsOf = ({ job, token, instance }: Claim, state: JobProgressed['child']['state']): JobProgressed[] =>
  (job.children ?? []).map(({ taskRunId, task }, index) => ({
    kind: 'job-progressed',
    tenant: job.tenant,
    executionId: job.executionId,
    taskRunId: job.taskRunId,
    attempt: job.attempt,
    token,
    instance,
    child: { taskRunId, taskId: task.id, index, attempt: 1, state },
    at: 0,
  }));

/** Answers how the WorkingDirectory ends, if it is one. */
function tellOfChildren(
  harness: Harness,
  claim: Claim,
  answers: JobOutcome['state'][],
): JobOutcome['state'] | undefined {
  if (!claim.job.children) return undefined;
  let whole: JobOutcome['state'] = 'SUCCESS';
  for (const [index, { task }] of claim.job.children.entries()) {
    const state = answers.shift() ?? 'SUCCESS';
    for (const told of ['RUNNING', state] as const) {
      const news = newsOf(claim, told)[index];
      if (news) harness.send(news);
    }
    if (state === 'FAILED' && task.allowFailure !== true) return 'FAILED';
    if (state !== 'SUCCESS' && task.allowWarning !== true) whole = 'WARNING';
  }
  return whole;
}

function eventOf({ kind, draw }: Wanted, harness: Harness, number: number): ExecutionEvent {
  const place = { tenant: 'main', executionId: 'E' };
  if (kind === 'kill') return { kind: 'kill-requested', ...place };
  const ends = ['SUCCESS', 'WARNING', 'FAILED', 'CANCELLED'] as const;
  const state = ends[draw % ends.length] ?? 'SUCCESS';
  const operationOf = (): ExecutionOperation => {
    switch (kind) {
      case 'change-task-run-state':
        return { kind, taskRunId: harness.runs[draw % Math.max(harness.runs.length, 1)]?.id ?? 'none', state };
      case 'change-status':
      case 'unqueue':
        return { kind, state };
      case 'set-labels':
      case 'add-labels':
        return { kind, labels: [{ key: 'drawn', value: String(draw) }] };
      case 'resume':
        return { kind, given: {} };
      default:
        return { kind };
    }
  };
  return {
    kind: 'operation-requested',
    ...place,
    commandId: `operation-${number}`,
    replyTo: 'webserver-1',
    at: harness.now,
    operation: operationOf(),
  };
}

/** Drives a harness to its end; `disturb` is called after every event that came from outside. */
function drive(
  { flow, outcomes, order, operations, breakpoints }: Case,
  disturb: (harness: Harness, event: ExecutionEvent | { kind: 'wake' }) => void = () => undefined,
  stepsAtATime = Infinity,
  wakeUp: (harness: Harness) => boolean = () => false,
): Harness {
  const harness = new Harness(aFlow(flow));
  /** Events, and what was left of others when they had had their turn. */
  const waiting: (Input | { readonly kind: 'wake' })[][] = [];
  const takeTurn = (): void => {
    const left = harness.decide(waiting.shift() ?? [], stepsAtATime);
    if (left.length > 0) waiting.push(left);
  };
  const answers = [...outcomes];
  const draws = [...order];
  const wanted = [...operations];
  const operate = (): void => {
    const next = wanted.shift();
    if (next) harness.send(eventOf(next, harness, operations.length - wanted.length));
  };
  harness.send = (event: Input | { readonly kind: 'wake' }) => {
    waiting.push([event]);
    takeTurn();
    disturb(harness, event as ExecutionEvent);
    return harness;
  };
  const request = harness.requested();
  if (request.kind !== 'execution-requested') throw new Error('Not a request');
  harness.send({ ...request, created: { ...request.created, breakpoints: breakpoints.map((id) => ({ id })) } });
  let resumed = 0;
  const claimed: ReturnType<Harness['claim']>[] = [];
  for (let step = 0; step < 20_000; step++) {
    const draw = draws.shift() ?? 0;
    if (draw % 13 === 12) operate();
    if (harness.children.length > 0 && (draw % 3 === 0 || (claimed.length === 0 && harness.jobs.length === 0))) {
      const ended = answers.shift();
      harness.childEnds(ended === 'SKIPPED' ? 'CANCELLED' : (ended ?? 'SUCCESS'));
    } else if (claimed.length > 0 && (draw % 2 === 0 || harness.jobs.length === 0)) {
      const [job] = claimed.splice(draw % claimed.length, 1);
      if (job) harness.answer(job, { state: tellOfChildren(harness, job, answers) ?? answers.shift() ?? 'SUCCESS' });
    } else if (harness.jobs.length > 0) {
      const claim = harness.claim(harness.jobs[draw % harness.jobs.length]?.task.id);
      if (draw % 7 !== 6) claimed.push(claim);
      else {
        // The job was handed over twice: the older claimant's answer must not count.
        if (draw % 2 === 0) for (const news of newsOf(claim, 'RUNNING').slice(0, 1)) harness.send(news);
        const newest = { ...claim, token: `${claim.token}-again`, instance: 'worker-2' };
        harness.send(claimOf(claim.job, newest.token, newest.instance, harness.now));
        harness.answer(claim, { state: 'FAILED', error: 'stale' });
        claimed.push(newest);
      }
    } else if (waiting.length > 0) takeTurn();
    else if (harness.state.dueAt !== undefined) {
      harness.now = Math.max(harness.now, harness.state.dueAt);
      harness.send({ kind: 'wake' });
    } else if (wanted.length > 0) operate();
    else if (harness.state.head.suspended !== undefined) {
      harness.send(eventOf({ kind: 'resume', draw: 0 }, harness, -++resumed));
    } else if (!wakeUp(harness)) return harness;
  }
  throw new Error(`It does not end: ${harness.story}`);
}

const snapshot = (records: MemoryRecords): unknown =>
  Object.fromEntries([...records.map].sort(([a], [b]) => (a < b ? -1 : 1)));

/** What users see: dates left out, they depend on how often something was tried. */
const outcomeOf = (harness: Harness): unknown => ({
  state: harness.executionState,
  runs: harness.runs.map(
    ({ taskId, value, state, attempts }) => `${taskId}[${value ?? ''}]:${state}:${attempts.length}`,
  ),
});

describe('on random flows and outcomes', () => {
  it('every execution ends, with all its task runs', () => {
    fc.assert(
      fc.property(casesWithExits, (drawn) => {
        const harness = drive(drawn);
        expect(isTerminal(harness.executionState as State)).toBe(true);
        expect(harness.state.head.failure).toBeUndefined();
        expect(harness.runs.filter(({ state }) => !isTerminal(state))).toEqual([]);
        expect(harness.state.head.claims).toEqual({});
        expect(harness.state.head).toMatchObject({ retrying: 0, progress: { section: 'ended', active: 0 } });
      }),
      { numRuns: RUNS },
    );
  });

  it('replaying the facts gives the live state', () => {
    fc.assert(
      fc.property(cases, (drawn) => {
        const harness = drive(drawn);
        const records = new MemoryRecords();
        const replayed = new ExecutionState(records);
        for (const fact of harness.facts) evolve(replayed, fact);
        expect(snapshot(records)).toEqual(snapshot(harness.records));
      }),
      { numRuns: RUNS },
    );
  });

  it('delivering any event twice changes nothing', () => {
    fc.assert(
      fc.property(cases, (drawn) => {
        const doubled = drive(drawn, (harness, event) => {
          const before = snapshot(harness.records);
          // A wake is no event: the shell makes it from the state.
          if (event.kind === 'wake') return;
          Harness.prototype.send.call(harness, event);
          expect(snapshot(harness.records)).toEqual(before);
        });
        expect(outcomeOf(doubled)).toEqual(outcomeOf(drive(drawn)));
      }),
      { numRuns: RUNS },
    );
  });

  it('a crash after any commit changes no outcome', () => {
    fc.assert(
      fc.property(cases, (drawn) => {
        const restored = drive(drawn, (harness) => {
          const records = new MemoryRecords(JSON.parse(JSON.stringify([...harness.records.map])));
          Object.assign(harness, { records, state: new ExecutionState(records) });
        });
        expect(outcomeOf(restored)).toEqual(outcomeOf(drive(drawn)));
      }),
      { numRuns: RUNS },
    );
  });

  it('yielding after any few steps, to other events, changes no outcome', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 4 }), (drawn, steps) => {
        // Which job comes first depends on the turns: the answers must not.
        const steady = { ...drawn, outcomes: [] };
        const isSteady = drawn.operations.length === 0;
        const yielding = drive(steady, undefined, steps);
        expect(yielding.runs.filter(({ state }) => !isTerminal(state))).toEqual([]);
        // When an operation comes depends on the turns too.
        if (isSteady) expect(yielding.executionState).toBe(drive(steady).executionState);
        expect(isTerminal(yielding.executionState as State)).toBe(true);
        expect(yielding.state.head.failure).toBeUndefined();
        expect(yielding.state.head.claims).toEqual({});
        expect(yielding.state.head).toMatchObject({ retrying: 0, progress: { section: 'ended', active: 0 } });
      }),
      { numRuns: RUNS },
    );
  });

  it('the counters are what counting would give', () => {
    fc.assert(
      fc.property(cases, (drawn) => {
        drive(drawn, (harness) => {
          const byOwner = groupBy(harness.runs);
          check(harness.state.head.progress, byOwner.get(undefined) ?? []);
          for (const run of harness.runs) if (run.progress) check(run.progress, byOwner.get(run.id) ?? []);
        });
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });

  it('a limit is never passed', () => {
    fc.assert(
      fc.property(cases, (drawn) => {
        drive(drawn, (harness) => {
          for (const owner of harness.runs.filter(({ state }) => !isTerminal(state))) {
            const task = harness.plan.tasks.get(owner.taskId);
            const written = task?.definition['concurrent'] ?? task?.definition['concurrencyLimit'];
            if (typeof written !== 'number' || written === 0) continue;
            const open = harness.runs.filter(
              ({ parentId, state, section }) => parentId === owner.id && section === 'tasks' && !isTerminal(state),
            );
            expect(open.length).toBeLessThanOrEqual(written);
          }
        });
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });

  it('pausing and resuming the execution at any moment changes no outcome', () => {
    fc.assert(
      fc.property(cases, fc.nat(10), fc.nat(6), (drawn, from, duration) => {
        const steady = { ...drawn, outcomes: [], operations: [] };
        let events = 0;
        const operate = (harness: Harness, operation: ExecutionOperation): void =>
          void Harness.prototype.send.call(harness, {
            kind: 'operation-requested',
            tenant: 'main',
            executionId: 'E',
            commandId: `command-${events}`,
            at: harness.now,
            operation,
          });
        const disturbed = drive(
          steady,
          (harness) => {
            if (events++ === from) operate(harness, { kind: 'pause' });
            if (harness.state.head.hold?.active === true && events > from + duration) {
              operate(harness, { kind: 'resume', given: {} });
            }
          },
          Infinity,
          (harness) => {
            if (harness.state.head.hold?.active !== true) return false;
            operate(harness, { kind: 'resume', given: {} });
            return true;
          },
        );
        expect(disturbed.runs.filter(({ state }) => !isTerminal(state))).toEqual([]);
        expect(disturbed.executionState).toBe(drive(steady).executionState);
        expect(disturbed.state.head).not.toHaveProperty('hold');
      }),
      { numRuns: RUNS },
    );
  });

  it('a kill ends everything, whenever it comes', () => {
    fc.assert(
      fc.property(casesWithExits, fc.nat(20), (drawn, when) => {
        let events = 0;
        const harness = drive(drawn, (driven) => {
          if (++events === when + 1)
            Harness.prototype.send.call(driven, { kind: 'kill-requested', tenant: 'main', executionId: 'E' });
        });
        expect(harness.runs.filter(({ state }) => !isTerminal(state))).toEqual([]);
        expect(isTerminal(harness.executionState as State)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

function groupBy(runs: readonly TaskRun[]): Map<string | undefined, TaskRun[]> {
  const groups = new Map<string | undefined, TaskRun[]>();
  for (const run of runs) groups.set(run.parentId, [...(groups.get(run.parentId) ?? []), run]);
  return groups;
}

function check(progress: Progress, children: readonly TaskRun[]): void {
  const deciding = children.filter(({ section }) => section === 'tasks');
  expect({
    active: progress.active,
    failed: progress.failed,
    warning: progress.warning,
    killed: progress.killed,
  }).toEqual({
    active: children.filter(({ state }) => !isTerminal(state)).length,
    failed: deciding.filter(({ state }) => state === 'FAILED').length,
    warning: deciding.filter(({ state }) => state === 'WARNING').length,
    killed: deciding.filter(({ state }) => state === 'KILLED').length,
  });
}
