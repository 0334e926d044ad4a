import {
  DEFAULT_GROUP,
  isTerminal,
  resolvedWorkerGroup,
  type Job,
  type TaskRun,
  type WorkerGroupWish,
  type WorkersChanged,
} from '@millrace/model';
import { sentence, type Decision, type TaskRunPlace } from './decision.js';
import type { TaskPlan } from './plan.js';
import { isPure } from './rendering.js';
import type { ExecutionState } from './state.js';

/** Where the job of a task run goes, or how the task run ends because it can go nowhere. */
export type ChosenGroup =
  | { readonly kind: 'chosen'; readonly group: string; readonly waits: boolean }
  | { readonly kind: 'ends'; readonly state: 'FAILED' | 'CANCELLED'; readonly message: string };

/** Decides the worker group of a task run's next job, and what its fallback says when no worker of it is running. */
export function chooseGroup(decision: Decision, task: TaskPlan, place: TaskRunPlace, attempts: number): ChosenGroup {
  const { tenant } = decision.view.head;
  const wishes = [task.definition.workerGroup, decision.flow.definition.workerGroup] as (WorkerGroupWish | undefined)[];
  let wish = resolvedWorkerGroup(wishes);
  if (wish.key !== DEFAULT_GROUP) {
    try {
      if (!isPure({ key: wish.key })) throw new Error('it reads what only a worker can reach');
      const key = String(decision.rendering(task, place, attempts).text(wish.key));
      wish = resolvedWorkerGroup([{ key, fallback: wish.fallback }]);
    } catch (error) {
      return ends('FAILED', `The key of the worker group cannot be evaluated: ${sentence(error)}`);
    }
  }
  const { key, fallback } = wish;
  const status = decision.context.workerGroup?.(tenant, key) ?? 'live';
  if (status === 'unknown') {
    return ends('FAILED', `worker group '${key}' does not exist or is not available to tenant '${tenant}'`);
  }
  if (status === 'live' || fallback === 'WAIT') return { kind: 'chosen', group: key, waits: status !== 'live' };
  const state = fallback === 'FAIL' ? 'FAILED' : 'CANCELLED';
  return ends(state, `No worker of the group '${key}' is running, and the fallback of the worker group is ${fallback}`);
}

/** For what the engine does itself: any worker of the default group. */
export function defaultGroup(decision: Decision): Extract<ChosenGroup, { kind: 'chosen' }> {
  const status = decision.context.workerGroup?.(decision.view.head.tenant, DEFAULT_GROUP) ?? 'live';
  return { kind: 'chosen', group: DEFAULT_GROUP, waits: status !== 'live' };
}

const ends = (state: 'FAILED' | 'CANCELLED', message: string): ChosenGroup => ({ kind: 'ends', state, message });

/** Hands a job to its group; without a worker there it is kept as state, and the execution says so. */
export function handOver(
  decision: Decision,
  job: Job,
  { group, waits }: Extract<ChosenGroup, { kind: 'chosen' }>,
): void {
  const before = decision.view.run(job.taskRunId);
  const isOrdinary = group === DEFAULT_GROUP && !waits;
  if (!isOrdinary || before?.awaitsWorker || before?.workerGroup !== undefined) {
    decision.fact({ kind: 'job-group-set', taskRunId: job.taskRunId, group, waits });
  }
  if (waits) warn(decision, group);
  else decision.effect({ kind: 'submit-job', group, job });
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

/** What of an execution waits in a group: kept here, or in the topic of the group with no claim yet. */
const waitsIn = (run: TaskRun, group: string): boolean =>
  !isTerminal(run.state) &&
  run.claim === undefined &&
  (run.workerGroup ?? DEFAULT_GROUP) === group &&
  (run.awaitsWorker === true || run.state === 'SUBMITTED' || run.evaluating === true);

/** True when an execution has to hear that workers of a group have come, or that all have gone. */
export function concernsGroup(state: ExecutionState, { group, live }: WorkersChanged): boolean {
  if (!state.exists || isTerminal(state.head.state)) return false;
  if (live) return state.head.warnings !== undefined;
  return state.allRuns().some((run) => waitsIn(run, group));
}

/** Workers have come: what waits is handed over. All have gone: what waits in their topic gets the warning. */
export function workersChanged(
  decision: Decision,
  { group, live }: WorkersChanged,
  submitAgain: (decision: Decision, run: TaskRun, resubmits: number) => void,
): void {
  const waiting = decision.view.allRuns().filter((run) => waitsIn(run, group));
  if (!live) {
    if (waiting.length > 0) warn(decision, group);
    return;
  }
  const message = warningOf(group);
  if (decision.view.head.warnings?.includes(message) === true) decision.fact({ kind: 'warning-removed', message });
  if (decision.isLeaving) return;
  for (const run of waiting) if (run.awaitsWorker) submitAgain(decision, run, run.resubmits ?? 0);
}
