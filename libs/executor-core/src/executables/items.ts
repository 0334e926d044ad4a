import {
  itemUri,
  type ChildExecutionEnded,
  type ItemsProgress,
  type PlainObject,
  type State,
  type TaskRun,
} from '@millrace/model';
import { countedAttempts, isOpen, placeOf, sentence, type Decision, type TaskRunPlace } from '../decision.js';
import { endAttempt, type EndedAttempt } from '../end-task-run.js';
import type { TaskPlan } from '../plan.js';
import { isPure } from '../rendering.js';
import { loopPath } from '../state.js';
import {
  childExpressions,
  isWaiting,
  itemExecutionId,
  restartsFailed,
  transmitsFailed,
  wantedChild,
} from './child-execution.js';
import { itemBits, pageOfItem } from './ended-items.js';
import type { Executable, Starting } from './executable.js';
import { addOutputs, outputsBase, pageToStore, storeOutputs } from './item-outputs.js';
import { checkSize, restartChild } from './subflow.js';

/** Executions that run at a time, unless the context says otherwise: enough to keep a cluster busy. */
const AT_A_TIME = 500;
/** Executions that one step starts. */
const PER_STEP = 50;
/** Pages of outputs that may wait for a worker before no further execution is started. */
const PAGES_WAITING_MAX = 20;
/** Refused executions that the log tells of, one by one. */
const REFUSALS_LOGGED = 10;

/**
 * The executions of a ForEachItem: one for each item that the split made. A bounded number of them runs at a time; the task
 * run keeps counts by state, and a bit for each one that has ended (protocols.md part 4.4), so a million of them neither
 * fill the parent nor the queue. Items are named by their index, so nothing has to be read to start them.
 */
export const items: Executable = { start };

function start(starting: Starting): void {
  const { decision, task, run, attempt } = starting;
  const place = placeOf(run);
  if (run.items && restartsFailed(task)) return startAgain(decision, run, run.items);
  if (!isPure(childExpressions(task))) {
    return starting.fail(
      `'${task.id}' starts an execution for each item, so its properties cannot use functions that only a worker has, such as secret() or kv(): use them in the flow that is started.`,
    );
  }
  const split = splitOutputs(decision, task, place);
  if (!split) return starting.fail(`The outputs of '${String(task.definition['splitId'])}' do not name any items`);
  const progress: ItemsProgress = { count: split.count, attempt, started: 0, ended: {}, stored: 0, page: 0 };
  begin(decision, place.id, progress, run.evaluating === true);
  showProgress(decision, task, place.id, progress);
  if (split.count > 0) return decision.then({ kind: 'start-items', taskRunId: place.id });
  endAttempt(decision, task, {
    ...endOf(place),
    attempts: attempt,
    firstStart: decision.now,
    state: 'SUCCESS',
  });
}

/** A restart, or a retry: what failed is restarted, what was never started is started. */
function startAgain(decision: Decision, run: TaskRun, before: ItemsProgress): void {
  const ended = Object.fromEntries(
    Object.entries(before.ended).map(([state, count]) => [state, isFailure(state) ? 0 : count]),
  );
  const progress = { ...before, ended };
  // All that is not known to have ended well; an execution that nothing was heard of may have been killed with its parent.
  const left = runningIn(progress);
  begin(decision, run.id, { ...progress, restart: { from: 0, left } }, run.evaluating === true);
  decision.then({ kind: 'start-items', taskRunId: run.id });
}

function begin(decision: Decision, taskRunId: string, progress: ItemsProgress, evaluating: boolean): void {
  // A job that wrote outputs when the task run was stopped is not waited for any more.
  if (evaluating) decision.fact({ kind: 'evaluated', taskRunId, values: {} });
  decision.fact(
    { kind: 'task-run-moved', taskRunId, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId, at: decision.now },
    { kind: 'items-set', taskRunId, items: progress },
  );
}

const endOf = ({ id, parentId }: Pick<TaskRunPlace, 'id' | 'parentId'>): Pick<EndedAttempt, 'id' | 'parentId'> => ({
  id,
  ...(parentId === undefined ? {} : { parentId }),
});

const isFailure = (state: string): boolean => state === 'FAILED' || state === 'KILLED';

/** What the split left: the URI of its list, and how many items it has. */
function splitOutputs(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
): { readonly splits: string; readonly count: number } | undefined {
  let found = decision.view.runsOf(String(task.definition['splitId']));
  for (const value of loopPath(decision.view, place)) found = found?.inner?.get(value);
  const outputs = found?.taskRunId === undefined ? undefined : decision.view.run(found.taskRunId)?.outputs;
  const splits = outputs?.['splits'];
  const count = outputs?.['numberOfBatches'];
  return typeof splits === 'string' && typeof count === 'number' ? { splits, count } : undefined;
}

const endedIn = ({ ended }: ItemsProgress): number =>
  Object.values(ended).reduce((sum: number, count) => sum + count, 0);

/** Executions that were started and have not ended, those included that are still to be restarted. */
const runningIn = (progress: ItemsProgress): number => progress.started - endedIn(progress);

function roomIn(decision: Decision, progress: ItemsProgress): number {
  if (progress.page - progress.stored >= PAGES_WAITING_MAX) return 0;
  const atATime = decision.context.limits.itemsAtATime ?? AT_A_TIME;
  return atATime - (runningIn(progress) - (progress.restart?.left ?? 0));
}

/** Step `start-items`: starts as many executions as there is room for, a part of them at a time; or ends. */
export function startItems(decision: Decision, run: TaskRun | undefined): void {
  const progress = run?.items;
  if (!isOpen(run) || !progress || run.state !== 'RUNNING' || decision.isStopping) return;
  if (progress.restart) return restartItems(decision, run, progress, progress.restart);
  const task = decision.taskOf(run);
  const all = progress.started === progress.count && runningIn(progress) === 0;
  if (!run.evaluating) {
    const page = pageToStore(decision, run, progress, all);
    if (page !== undefined) {
      storeOutputs(decision, task, run, page);
      if (page === progress.page) setProgress(decision, task, run, { ...progress, page: page + 1 });
    } else if (all) return endRun(decision, run, task, stateOf(progress));
  }
  if (!all) startMore(decision, run, task, progress);
}

function startMore(decision: Decision, run: TaskRun, task: TaskPlan, progress: ItemsProgress): void {
  const count = Math.min(PER_STEP, progress.count - progress.started, roomIn(decision, progress));
  if (count <= 0) return;
  try {
    const split = splitOutputs(decision, task, placeOf(run));
    if (!split) throw new Error('The outputs of the split are gone');
    for (let index = progress.started; index < progress.started + count; index++) {
      startItem(decision, run, task, { index, uri: itemUri(split.splits, index) });
    }
  } catch (error) {
    decision.log(run, task, run.attempts.length, 'ERROR', sentence(error));
    return endRun(decision, run, task, 'FAILED');
  }
  const next = { ...progress, started: progress.started + count };
  setProgress(decision, task, run, next);
  if (next.started < next.count && roomIn(decision, next) > 0) {
    decision.then({ kind: 'start-items', taskRunId: run.id });
  }
}

function startItem(
  decision: Decision,
  run: TaskRun,
  task: TaskPlan,
  item: { readonly index: number; readonly uri: string },
): void {
  const place = { ...placeOf(run), iteration: item.index, item: item.uri };
  const rendered = decision.rendering(task, place, run.attempts.length - 1).typed(childExpressions(task));
  const executionId = itemExecutionId(decision, run.id, run.items?.attempt ?? 1, item.index);
  const event = wantedChild(decision, task, place, rendered as PlainObject, { executionId, item });
  checkSize(decision, task, event);
  decision.effect({ kind: 'send-event', event });
}

/** Looks at one page of items at most; the rest follows in further steps. */
function restartItems(
  decision: Decision,
  run: TaskRun,
  progress: ItemsProgress,
  restart: NonNullable<ItemsProgress['restart']>,
): void {
  const task = decision.taskOf(run);
  const most = Math.min(PER_STEP, roomIn(decision, progress));
  if (most <= 0) return;
  const bits = itemBits(decision.view, run, restart.from);
  let record;
  let from = restart.from;
  let count = 0;
  for (; from < progress.started && pageOfItem(from) === pageOfItem(restart.from) && count < most; from++) {
    if (bits.hasEnded(from) && !bits.hasFailed(from)) continue;
    restartChild(
      decision,
      task,
      run.id,
      itemExecutionId(decision, run.id, progress.attempt, from),
      run.attempts.length,
      from,
    );
    if (bits.hasEnded(from)) record = bits.with(from, { ended: false, failed: false });
    count++;
  }
  if (record) decision.fact({ kind: 'items-ended', record });
  const { restart: _done, ...rest } = progress;
  const left = restart.left - count;
  setProgress(decision, task, run, from < progress.started && left > 0 ? { ...rest, restart: { from, left } } : rest);
  decision.then({ kind: 'start-items', taskRunId: run.id });
}

/** An execution of an item has ended, exists, or was refused. A repeat changes nothing. */
export function itemEnded(decision: Decision, run: TaskRun, event: ChildExecutionEnded): void {
  const { items: progress } = run;
  const { index } = event;
  if (!progress || index === undefined || run.state !== 'RUNNING' || index >= progress.started) return;
  if (event.childId !== itemExecutionId(decision, run.id, progress.attempt, index)) return;
  // It is asked to restart soon, and answers again when there is nothing to restart.
  if (progress.restart && index >= progress.restart.from) return;
  const bits = itemBits(decision.view, run, index);
  if (bits.hasEnded(index)) return;
  const task = decision.taskOf(run);
  const state = countedState(task, event);
  if (event.refusal !== undefined && (progress.ended.FAILED ?? 0) < REFUSALS_LOGGED) {
    decision.log(run, task, run.attempts.length, 'ERROR', `Item ${index}: ${event.refusal}`);
  }
  decision.fact({ kind: 'items-ended', record: bits.with(index, { ended: true, failed: isFailure(state) }) });
  const counted = { ...progress, ended: { ...progress.ended, [state]: (progress.ended[state] ?? 0) + 1 } };
  const { outputs } = event;
  // What failed may be restarted, and gives its outputs then.
  const keeps = isWaiting(task) && !isFailure(state) && outputs !== undefined && Object.keys(outputs).length > 0;
  setProgress(decision, task, run, keeps ? addOutputs(decision, run, counted, outputs) : counted);
  decision.then({ kind: 'start-items', taskRunId: run.id });
}

function countedState(task: TaskPlan, { state, refusal }: ChildExecutionEnded): State {
  if (refusal !== undefined) return 'FAILED';
  return isWaiting(task) && transmitsFailed(task) ? state : 'SUCCESS';
}

/** FAILED before KILLED before WARNING (spec tasks.md §1). */
function stateOf({ ended }: ItemsProgress): EndedAttempt['state'] {
  const { FAILED = 0, KILLED = 0, WARNING = 0 } = ended;
  return FAILED > 0 ? 'FAILED' : KILLED > 0 ? 'KILLED' : WARNING > 0 ? 'WARNING' : 'SUCCESS';
}

function setProgress(decision: Decision, task: TaskPlan, run: TaskRun, progress: ItemsProgress): void {
  decision.fact({ kind: 'items-set', taskRunId: run.id, items: progress });
  showProgress(decision, task, run.id, progress);
}

function showProgress(decision: Decision, task: TaskPlan, taskRunId: string, progress: ItemsProgress): void {
  const { count, started, ended, attempt } = progress;
  const open = { CREATED: count - started, RUNNING: runningIn(progress) };
  decision.fact({
    kind: 'outputs-set',
    taskRunId,
    outputs: {
      numberOfBatches: count,
      iterations: count === 0 ? {} : { ...open, ...ended },
      subflowOutputsBaseUri: outputsBase(decision, task, taskRunId, attempt),
    },
  });
}

function endRun(decision: Decision, run: TaskRun, task: TaskPlan, state: EndedAttempt['state']): void {
  endAttempt(decision, task, {
    ...endOf(run),
    attempts: countedAttempts(run),
    firstStart: run.attempts[0]?.histories[0]?.date ?? decision.now,
    state,
  });
}
