import type { ExecutionEvent, ExecutionHead, Progress, TaskRun } from '@millrace/model';
import { plannedState } from './outcomes.js';
import type { PlannedExecution } from './scenario.js';

/** One execution as the topics have it after the end. Shares no code with the engine: it counts for itself. */
export interface Evidence {
  readonly seed: number;
  /** Absent: another execution started it. */
  readonly planned?: PlannedExecution;
  readonly head: ExecutionHead;
  /** In order of creation. */
  readonly runs: readonly TaskRun[];
  /** In the order of the log. */
  readonly events: readonly ExecutionEvent[];
  /** A kill was asked for and acknowledged. */
  readonly killAcknowledged: boolean;
  /** A task was not run because of its worker group: how it ends is a matter of time. */
  readonly givenUp: boolean;
  /** Something was done to it after its end: its past is not one story any more. */
  readonly touched: boolean;
}

const OPEN: ReadonlySet<string> = new Set([
  'CREATED',
  'QUEUED',
  'SUBMITTED',
  'RUNNING',
  'PAUSED',
  'RESTARTED',
  'KILLING',
  'RETRYING',
  'BREAKPOINT',
]);

/** Everything that is wrong with the execution, in sentences. */
export function checkExecution(evidence: Evidence): string[] {
  const { head, runs, touched } = evidence;
  if (head.deleted) return [];
  return [
    ...checkEnd(evidence),
    ...(touched ? [] : checkKill(evidence)),
    ...runs.flatMap((run) => (touched ? [] : [...checkAttempts(evidence, run), ...checkWhoseResult(evidence, run)])),
    ...checkCounters('the execution', head.progress, childrenOf(runs, undefined)),
    ...runs.flatMap((run) => (run.progress ? checkCounters(nameOf(run), run.progress, childrenOf(runs, run.id)) : [])),
    ...checkRecords(evidence),
  ];
}

const nameOf = ({ taskId, value }: TaskRun): string => `${taskId}${value === undefined ? '' : `[${value}]`}`;

const childrenOf = (runs: readonly TaskRun[], parentId: string | undefined): readonly TaskRun[] =>
  runs.filter((run) => run.parentId === parentId);

function checkEnd({ head, runs, planned, givenUp, touched }: Evidence): string[] {
  const found: string[] = [];
  if (OPEN.has(head.state)) found.push(`is still ${head.state}`);
  if (head.failure !== undefined) found.push(`failed by itself: ${head.failure}`);
  for (const run of runs) if (OPEN.has(run.state)) found.push(`${nameOf(run)} is still ${run.state}`);
  for (const run of runs) if (run.claim) found.push(`${nameOf(run)} is still claimed by ${run.claim.instance}`);
  if (Object.keys(head.claims).length > 0) found.push(`still counts claims: ${JSON.stringify(head.claims)}`);
  if (head.retrying !== 0) found.push(`still counts ${head.retrying} retries`);
  if (head.dueAt !== undefined || runs.some(({ dueAt }) => dueAt !== undefined))
    found.push(
      `still has a timer${Object.keys(head.timers ?? {})
        .map((name) => ` '${name}'`)
        .join(',')}`,
    );
  if (wasKilled(head) || givenUp || touched || planned === undefined) return found;
  if (head.state !== planned.expected.state) {
    found.push(`ended ${head.state}, but undisturbed it ends ${planned.expected.state}`);
  } else if (!dependsOnTiming(planned.expected.runs) && !dependsOnTiming(runs)) {
    const [story, expected] = [storyOf(runs), storyOf(planned.expected.runs)];
    if (story !== expected) found.push(`came to ${story}, but undisturbed to ${expected}`);
  }
  return found;
}

/** One that waited for a slot is KILLED without having been KILLING: nothing of it ran. */
const wasKilled = ({ histories }: ExecutionHead): boolean =>
  histories.some(
    ({ state }, index) => state === 'KILLING' || (state === 'KILLED' && histories[index - 1]?.state === 'QUEUED'),
  );

/** A child that failed beside others stops them wherever they are: how far they came is a matter of time. */
const dependsOnTiming = (runs: readonly TaskRun[]): boolean =>
  runs.some(
    (owner) =>
      (owner.lanes ?? 0) > 1 && runs.some(({ parentId, state }) => parentId === owner.id && state === 'FAILED'),
  );

/** Task, value, state and the attempts that count, in an order that does not depend on time. */
const storyOf = (runs: readonly TaskRun[]): string =>
  runs
    .map(
      (run) =>
        `${nameOf(run)}:${run.state}:${counted(run)
          .map(({ state }) => state)
          .join('+')}`,
    )
    .sort()
    .join(' ');

const counted = ({ attempts }: TaskRun) => attempts.filter(({ state }) => state !== 'RESUBMITTED');

function checkKill({ head, runs, events, killAcknowledged }: Evidence): string[] {
  const asked = events.findIndex(({ kind }) => kind === 'kill-requested');
  if (asked < 0) return killAcknowledged ? ['a kill was acknowledged, but the log does not have it'] : [];
  if (wasKilled(head)) return head.state === 'KILLED' ? [] : [`was KILLING and ended ${head.state}`];
  // It had ended before: then no result that came after the kill can have counted for its tasks.
  return runs
    .filter((run) => run.section !== 'afterExecution' && childOfAfterExecution(runs, run) === false)
    .filter((run) => resultIndex(events, run) > asked)
    .map((run) => `a kill was asked for, yet the later result of ${nameOf(run)} counted`);
}

function childOfAfterExecution(runs: readonly TaskRun[], run: TaskRun): boolean {
  let at: TaskRun | undefined = run;
  while (at !== undefined && at.section !== 'afterExecution') {
    const { parentId }: TaskRun = at;
    at = runs.find(({ id }) => id === parentId);
  }
  return at !== undefined;
}

const markOf = ({ outputs }: TaskRun): string | undefined =>
  typeof outputs?.['mark'] === 'string' ? outputs['mark'] : undefined;

const resultIndex = (events: readonly ExecutionEvent[], run: TaskRun): number => {
  const mark = markOf(run);
  return events.findIndex(
    (event) => event.kind === 'job-ended' && event.taskRunId === run.id && event.token === mark && mark !== undefined,
  );
};

/** The result that counted is the one of whoever had claimed the attempt last when it came. */
function checkWhoseResult({ events }: Evidence, run: TaskRun): string[] {
  const mark = markOf(run);
  if (mark === undefined) return [];
  const ends = events.flatMap((event, index) =>
    event.kind === 'job-ended' && event.taskRunId === run.id && event.token === mark
      ? [{ index, attempt: event.attempt }]
      : [],
  );
  if (ends.length === 0) return [`${nameOf(run)} has the outputs of ${mark}, which never answered`];
  const current = ends.some(({ index, attempt }) => {
    const newest = events
      .slice(0, index)
      .findLast((event) => event.kind === 'job-claimed' && event.taskRunId === run.id && event.attempt === attempt);
    return newest?.kind === 'job-claimed' && newest.token === mark;
  });
  return current ? [] : [`${nameOf(run)} counted the result of ${mark}, which was not its newest claim`];
}

/** Each attempt ended as it was drawn, or was stopped; only the last one may be other than a failure. */
function checkAttempts({ seed, head, givenUp }: Evidence, run: TaskRun): string[] {
  const found: string[] = [];
  const { attempts } = run;
  if (attempts.some(({ state }) => OPEN.has(state))) found.push(`${nameOf(run)} has an open attempt`);
  const good = attempts.filter(({ state }) => state === 'SUCCESS' || state === 'WARNING').length;
  if (good > 1) found.push(`${nameOf(run)} succeeded ${good} times`);
  const earlier = attempts.slice(0, -1).filter(({ state }) => state !== 'FAILED' && state !== 'RESUBMITTED');
  if (earlier.length > 0) found.push(`${nameOf(run)} went on after an attempt that was ${earlier[0]?.state}`);
  if (run.state === 'SUCCESS' && run.progress === undefined && good !== 1 && attempts.at(-1)?.state !== 'FAILED') {
    found.push(`${nameOf(run)} is SUCCESS after ${good} good attempts`);
  }
  counted(run).forEach((attempt, index) => {
    // A WorkingDirectory is as its children are, which are drawn themselves.
    if (attempt.workerId === undefined || run.progress !== undefined) return;
    const drawn = plannedState(seed, run.taskId, run.value, index);
    // FAILED also by a block that ended before it, KILLED by a kill.
    const stopped = attempt.state === 'FAILED' || (attempt.state === 'KILLED' && (wasKilled(head) || givenUp));
    if (attempt.state !== drawn && !stopped) {
      found.push(`attempt ${index + 1} of ${nameOf(run)} is ${attempt.state}, but was to be ${drawn}`);
    }
  });
  return found;
}

function checkCounters(name: string, progress: Progress, children: readonly TaskRun[]): string[] {
  const deciding = children.filter(({ section }) => section === 'tasks');
  const count = (state: string): number => deciding.filter((child) => child.state === state).length;
  const recounted = {
    active: children.filter(({ state }) => OPEN.has(state)).length,
    failed: count('FAILED'),
    warning: count('WARNING'),
    killed: count('KILLED'),
  };
  return Object.entries(recounted).flatMap(([counter, value]) => {
    const kept = progress[counter as keyof typeof recounted];
    return kept === value ? [] : [`${name} counts ${kept} ${counter} children, but has ${value}`];
  });
}

function checkRecords({ head, runs }: Evidence): string[] {
  const found: string[] = [];
  const { sequence: created, removed = 0 } = head;
  if (created - removed !== runs.length) {
    found.push(`counts ${created} task runs, ${removed} of them removed, but has ${runs.length}`);
  }
  if (runs.some(({ sequence }, index) => sequence <= (runs[index - 1]?.sequence ?? -1))) {
    found.push('has task runs without an order');
  }
  if ((head.paused ?? 0) !== 0 || head.hold !== undefined) found.push('still counts what is paused');
  if (head.histories.at(-1)?.state !== head.state) found.push(`is ${head.state}, but its history says otherwise`);
  for (const run of runs) {
    if (run.histories.at(-1)?.state !== run.state) found.push(`${nameOf(run)}: its history ends otherwise`);
    if (run.parentId !== undefined && !runs.some(({ id }) => id === run.parentId)) {
      found.push(`${nameOf(run)} has no parent record`);
    }
    const lost = run.attempts.filter(({ state }) => state === 'RESUBMITTED').length;
    if (lost < (run.resubmits ?? 0) && run.progress === undefined && run.evaluations === undefined) {
      found.push(`${nameOf(run)} counts ${run.resubmits} lost attempts, but has ${lost}`);
    }
  }
  return found;
}
