import {
  DEFAULT_GROUP,
  isTerminal,
  parseDuration,
  resolvedWorkerGroup,
  type Job,
  type TaskRun,
  type WorkerGroupWish,
} from '@millrace/model';
import type { WorkerGroupStatus } from './context.js';
import { sentence, type Decision, type TaskRunPlace } from './decision.js';
import type { TaskPlan } from './plan.js';
import { isPure } from './rendering.js';

/** Where the job of a task run goes, or how the task run ends because it can go nowhere. */
export type ChosenGroup =
  | {
      readonly kind: 'chosen';
      readonly group: string;
      readonly waits: boolean;
      /** With `waits`: not beyond this time. */
      readonly until?: number;
    }
  | {
      readonly kind: 'ends';
      readonly state: 'FAILED' | 'CANCELLED';
      readonly message: string;
      /** Trying again is of no use: a group does not appear, and a key does not become right, by that. */
      readonly isFinal: boolean;
    };

/** Decides the worker group of a task run's next job, and what its fallback says when no worker of it is running. */
export function chooseGroup(decision: Decision, task: TaskPlan, place: TaskRunPlace, attempts: number): ChosenGroup {
  const { tenant, namespace } = decision.view.head;
  const wishes = [
    task.definition.workerGroup as WorkerGroupWish | undefined,
    decision.flow.definition.workerGroup as WorkerGroupWish | undefined,
    ...(decision.context.inheritedWorkerGroups?.(tenant, namespace) ?? []),
  ];
  let wish = resolvedWorkerGroup(wishes);
  if (wish.key !== DEFAULT_GROUP) {
    try {
      if (!isPure({ key: wish.key })) throw new Error('it reads what only a worker can reach');
      const key = String(decision.rendering(task, place, attempts).text(wish.key));
      wish = resolvedWorkerGroup([{ ...wish, key }]);
    } catch (error) {
      return neverStarts(`The key of the worker group cannot be evaluated: ${sentence(error)}`);
    }
  }
  const { key, fallback, waitAtMost } = wish;
  const status = workerGroupStatus(decision, key);
  if (status === 'unknown') {
    return neverStarts(`worker group '${key}' does not exist or is not available to tenant '${tenant}'`);
  }
  if (status === 'live') return { kind: 'chosen', group: key, waits: false };
  if (fallback === 'WAIT') return waitingFor(decision, key, waitEnd(decision, place.id, waitAtMost));
  return {
    kind: 'ends',
    state: fallback === 'FAIL' ? 'FAILED' : 'CANCELLED',
    message: `No worker of the group '${key}' is running, and the fallback of the worker group is ${fallback}`,
    isFinal: false,
  };
}

/** When the wait of a task run ends that has begun or begins now; undefined: never. */
function waitEnd({ view, now }: Decision, taskRunId: string, waitAtMost: string | undefined): number | undefined {
  const limit = waitAtMost === undefined ? undefined : parseDuration(waitAtMost);
  return view.run(taskRunId)?.waitsUntil ?? (limit === undefined ? undefined : now + limit);
}

function waitingFor({ now }: Decision, group: string, until: number | undefined): ChosenGroup {
  if (until === undefined) return { kind: 'chosen', group, waits: true };
  if (until > now) return { kind: 'chosen', group, waits: true, until };
  const message = `No worker of the group '${group}' has come for as long as 'waitAtMost' of the worker group says`;
  return { kind: 'ends', state: 'FAILED', message, isFinal: false };
}

const neverStarts = (message: string): ChosenGroup => ({ kind: 'ends', state: 'FAILED', message, isFinal: true });

export const workerGroupStatus = ({ context, view }: Decision, group: string): WorkerGroupStatus =>
  context.workerGroup?.(view.head.tenant, group) ?? 'live';

/** For what the engine does itself: any worker of the default group. */
export function defaultGroup(decision: Decision): Extract<ChosenGroup, { kind: 'chosen' }> {
  return { kind: 'chosen', group: DEFAULT_GROUP, waits: workerGroupStatus(decision, DEFAULT_GROUP) !== 'live' };
}

/** Hands a job to its group; without a worker there it is kept as state, and the execution says so. */
export function handOver(
  decision: Decision,
  job: Job,
  { group, waits, until }: Extract<ChosenGroup, { kind: 'chosen' }>,
): void {
  const before = decision.view.run(job.taskRunId);
  const isOrdinary = group === DEFAULT_GROUP && !waits;
  if (!isOrdinary || before?.awaitsWorker || before?.waitsUntil !== undefined || before?.workerGroup !== undefined) {
    const limit = until === undefined ? {} : { until };
    decision.fact({ kind: 'job-group-set', taskRunId: job.taskRunId, group, waits, ...limit });
  }
  if (!waits) return decision.effect({ kind: 'submit-job', group, job });
  warn(decision, group);
  lookAgainLater(decision, until);
}

/** Name of the timer by which an execution that waits for workers looks again. */
export const WORKERS_TIMER = 'workers';
/** An event may find an executor that does not see the worker yet: in milliseconds, how long that delays a job at most. */
const LOOK_AGAIN_MS = 30_000;

/** Nothing waits for ever because an executor did not see yet what has changed. */
export const lookAgainLater = (decision: Decision, until = Infinity): void =>
  lookAgainAt(decision, Math.min(decision.now + LOOK_AGAIN_MS, until));

/** Not later than that. */
export function lookAgainAt(decision: Decision, wanted: number): void {
  const decided = decision.facts.findLast((fact) => fact.kind === 'timer-set' && fact.name === WORKERS_TIMER);
  const at = decided?.kind === 'timer-set' ? decided.at : decision.view.head.timers?.[WORKERS_TIMER];
  if (at !== undefined && at <= wanted) return;
  decision.fact({ kind: 'timer-set', name: WORKERS_TIMER, at: wanted });
}

const warningOf = (group: string): string =>
  `Waiting for a worker of the group '${group}': none is running. Start one with 'millrace server worker --worker-group ${group}'.`;

function warn(decision: Decision, group: string): void {
  const message = warningOf(group);
  if (decision.view.head.warnings?.includes(message) === true) return;
  if (decision.facts.some((fact) => fact.kind === 'warning-set' && fact.message === message)) return;
  decision.fact({ kind: 'warning-set', message });
  decision.note('WARN', message);
}

/** The group in which a job of the task run lies that nobody has taken: kept here, or in the topic of the group. */
export function waitsIn(run: TaskRun): string | undefined {
  const waits =
    !isTerminal(run.state) &&
    run.claim === undefined &&
    (run.awaitsWorker === true || run.state === 'SUBMITTED' || run.evaluating === true);
  return waits ? (run.workerGroup ?? DEFAULT_GROUP) : undefined;
}

/** Says of the groups without a worker in which something waits that it does, and of no other. */
export function settleWarnings(decision: Decision, groups: ReadonlySet<string>): void {
  const wanted = new Set([...groups].map(warningOf));
  for (const message of decision.view.head.warnings ?? []) {
    if (!wanted.has(message)) decision.fact({ kind: 'warning-removed', message });
  }
  for (const group of groups) warn(decision, group);
}
