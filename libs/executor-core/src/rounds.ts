import { excerpt, isPlainObject, isTruthy, parseDuration, type PlainObject, type TaskRun } from '@millrace/model';
import { placeOf, sentence, type Decision } from './decision.js';
import { expressionsOf, requestEvaluation } from './evaluation.js';
import { endTasks } from './owner.js';
import type { TaskPlan } from './plan.js';
import { isPure, needsWorker } from './rendering.js';
import { loopPath, type RunsByValue } from './state.js';
import { ROUND_EXPRESSIONS } from './tasks/loop-until.js';

/** Task runs of a round that one step removes. */
const REMOVED_PER_STEP = 200;
const DEFAULT_INTERVAL_MS = 60_000;

/** Step `round-ended`: the condition holds, or a maximum is reached, and the loop ends; else it waits for the next round. */
export function roundEnded(decision: Decision, run: TaskRun): void {
  const task = decision.taskOf(run);
  const expressions = expressionsOf(task, ROUND_EXPRESSIONS);
  if (!run.evaluated && !isPure(expressions)) return requestEvaluation(decision, task, run, expressions);
  const iterationCount = Number(run.outputs?.['iterationCount'] ?? 1);
  const checked = check(decision, task, run, expressions);
  if (checked === 'needs a worker') return requestEvaluation(decision, task, run, expressions);
  // Back from a worker, if it was there.
  decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now });
  if ('message' in checked) {
    decision.fact({ kind: 'round-counted', taskRunId: run.id, iterationCount });
    return failLoop(decision, task, run, checked.message);
  }
  if (checked.holds) {
    decision.fact({ kind: 'round-counted', taskRunId: run.id, iterationCount });
    return endTasks(decision, run);
  }
  const next = iterationCount + 1;
  decision.fact({ kind: 'round-counted', taskRunId: run.id, iterationCount: next });
  const started = run.histories[0]?.date ?? decision.now;
  const reached =
    next > checked.maxIterations
      ? `'${task.id}' has run ${iterationCount} rounds, and maxIterations allows no more`
      : decision.now >= started + checked.maxDurationMs
        ? `'${task.id}' has run longer than its maxDuration`
        : undefined;
  if (reached !== undefined) {
    decision.log(run, task, 1, 'WARN', `${reached}: its condition does not hold.`);
    return checked.failOnMaxReached ? failLoop(decision, task, run) : endTasks(decision, run);
  }
  decision.fact(
    { kind: 'task-run-moved', taskRunId: run.id, to: 'PAUSED', at: decision.now },
    { kind: 'pause-limited', taskRunId: run.id, dueAt: decision.now + checked.intervalMs },
  );
}

function failLoop(decision: Decision, task: TaskPlan, run: TaskRun, message?: string): void {
  if (message !== undefined) decision.log(run, task, 1, 'ERROR', message);
  decision.fact({ kind: 'task-run-end-decided', taskRunId: run.id, state: 'FAILED' });
  decision.then({ kind: 'leave', taskRunId: run.id });
}

interface Check {
  readonly holds: boolean;
  readonly failOnMaxReached: boolean;
  readonly maxIterations: number;
  readonly maxDurationMs: number;
  readonly intervalMs: number;
}

function check(
  decision: Decision,
  task: TaskPlan,
  run: TaskRun,
  expressions: PlainObject,
): Check | { readonly message: string } | 'needs a worker' {
  let rendered: PlainObject;
  try {
    rendered = run.evaluated ?? (decision.rendering(task, placeOf(run), 0).typed(expressions) as PlainObject);
  } catch (error) {
    if (needsWorker(error)) return 'needs a worker';
    return { message: `The condition of '${task.id}' cannot be evaluated: ${sentence(error)}` };
  }
  const { condition, failOnMaxReached, checkFrequency } = rendered;
  const { maxIterations, maxDuration, interval } = isPlainObject(checkFrequency) ? checkFrequency : {};
  const iterations = maxIterations === undefined || maxIterations === null ? Infinity : Number(maxIterations);
  if (!(iterations >= 1)) {
    return { message: `maxIterations of '${task.id}' is ${excerpt(maxIterations)}: it must be a number of 1 or more.` };
  }
  const [durationMs, intervalMs] = [millis(maxDuration, Infinity), millis(interval, DEFAULT_INTERVAL_MS)];
  if (durationMs === undefined || intervalMs === undefined) {
    const wrong =
      durationMs === undefined
        ? `maxDuration of '${task.id}' is ${excerpt(maxDuration)}`
        : `interval of '${task.id}' is ${excerpt(interval)}`;
    return { message: `${wrong}: it must be a duration such as PT30S.` };
  }
  return {
    holds: isTruthy(condition),
    failOnMaxReached: isTruthy(failOnMaxReached),
    maxIterations: iterations,
    maxDurationMs: durationMs,
    intervalMs: Math.max(0, intervalMs),
  };
}

function millis(written: unknown, absent: number): number | undefined {
  if (written === undefined || written === null) return absent;
  return typeof written === 'string' ? parseDuration(written) : undefined;
}

/** Step `next-round`: removes the task runs of the round before, some at a time; then the tasks run again. */
export function nextRound(decision: Decision, run: TaskRun): void {
  const task = decision.taskOf(run);
  const before = runsBelow(decision, task, run);
  // Children are created after their parents.
  before.sort((a, b) => b.sequence - a.sequence);
  const removed = before.slice(0, REMOVED_PER_STEP);
  if (removed.length > 0) decision.fact({ kind: 'task-runs-removed', taskRunIds: removed.map(({ id }) => id) });
  if (removed.length < before.length) return decision.then({ kind: 'next-round', taskRunId: run.id });
  decision.fact({ kind: 'section-entered', owner: run.id, section: 'tasks' });
  decision.then({ kind: 'advance', owner: run.id });
}

/** Task runs below a task run, found by their tasks and the loop values around it. */
function runsBelow(decision: Decision, task: TaskPlan, run: TaskRun): TaskRun[] {
  const path = loopPath(decision.view, run);
  const found: TaskRun[] = [];
  const visit = (plan: TaskPlan): void => {
    let node: RunsByValue | undefined = decision.view.runsOf(plan.id);
    for (const value of path) node = node?.inner?.get(value);
    if (node) collect(decision, node, found);
    for (const list of [...Object.values(plan.lists), ...plan.branches.values()]) list.forEach(visit);
  };
  for (const list of [...Object.values(task.lists), ...task.branches.values()]) list.forEach(visit);
  return found;
}

function collect(decision: Decision, node: RunsByValue, found: TaskRun[]): void {
  const run = node.taskRunId === undefined ? undefined : decision.view.run(node.taskRunId);
  if (run) found.push(run);
  for (const inner of node.inner?.values() ?? []) collect(decision, inner, found);
}
