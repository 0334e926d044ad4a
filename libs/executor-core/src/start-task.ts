import { isTruthy, type InlineResult, type PlainObject, type TaskDefinition, type TaskRun } from '@millrace/model';
import type { InlineTask } from './context.js';
import { countedAttempts, placeOf, sentence, type Decision, type TaskRunPlace } from './decision.js';
import { closeTaskRun, endAttempt, nextAttempt } from './end-task-run.js';
import { expressionsOf, requestEvaluation } from './evaluation.js';
import { childExpressions } from './executables/child-execution.js';
import { EXECUTABLES } from './executables/executables.js';
import { storeOutputs } from './executables/item-outputs.js';
import { exitExecution } from './exit.js';
import type { NewTaskRun } from './facts.js';
import { isBreakpoint } from './operations/breakpoints.js';
import { ROUND_EXPRESSIONS } from './tasks/loop-until.js';
import { jobFor, tooLargeForJob } from './jobs.js';
import type { TaskPlan } from './plan.js';
import { isPure, needsWorker, ownProperties, withoutRunIf } from './rendering.js';
import { FLOWABLES, type Entered, type Flowable } from './tasks/flowables.js';
import { runUpdate, UPDATES } from './updates/updates.js';
import { chooseGroup, handOver } from './worker-groups.js';
import { giveOutChildren, WORKING_DIRECTORY } from './working-directory-job.js';

type Place = Pick<NewTaskRun, 'section' | 'lane' | 'index' | 'parentId' | 'value' | 'iteration'>;

/** Creates the task run of a task at its place, and starts it. */
export function startTask(decision: Decision, task: TaskPlan, place: Place): void {
  const sequence = decision.nextSequence();
  const id = decision.taskRunId({ taskId: task.id, ...place });
  const owner = FLOWABLES.has(task.type);
  const updates = UPDATES.has(task.type);
  decision.fact({
    kind: 'task-run-created',
    run: { id, taskId: task.id, ...place, ...(updates ? { updates } : {}), at: decision.now, owner },
  });
  if (decision.view.head.state === 'CREATED' && sequence === 0) {
    decision.fact({ kind: 'execution-moved', to: 'RUNNING', at: decision.now });
  }
  if (isBreakpoint(decision, task, place.value)) {
    decision.fact({ kind: 'task-run-moved', taskRunId: id, to: 'BREAKPOINT', at: decision.now });
    // One that changes the execution, or starts others, is decided on a state that holds what those before it changed.
  } else if (owner || updates || EXECUTABLES.has(task.type)) decision.then({ kind: 'enter', taskRunId: id });
  else startRunnable(decision, task, { id, ...place, sequence, startedAt: decision.now }, NEW);
}

/** What starting needs to know of a task run's past. */
interface Past {
  /** Attempts that count. */
  readonly attempts: number;
  readonly firstStart: number | undefined;
  /** Number of the attempt to come. */
  readonly nextAttempt: number;
  readonly evaluated: PlainObject | undefined;
}
const NEW: Past = { attempts: 0, firstStart: undefined, nextAttempt: 1, evaluated: undefined };

/** Step `enter`: starts a task run that waited: one with children, one whose retry is due, or one that was evaluated. */
export function enter(decision: Decision, run: TaskRun): void {
  const task = decision.taskOf(run);
  const past: Past = {
    attempts: countedAttempts(run),
    firstStart: run.attempts[0]?.histories[0]?.date,
    nextAttempt: nextAttempt(run),
    evaluated: run.evaluated,
  };
  if (run.progress && task.type !== WORKING_DIRECTORY) enterOwner(decision, task, run);
  else if (UPDATES.has(task.type)) startUpdate(decision, task, run, past);
  else if (EXECUTABLES.has(task.type)) startExecutable(decision, task, run, past);
  else startRunnable(decision, task, placeOf(run), past);
}

/** Decides `runIf`. The answer is undefined when a worker has to evaluate it. */
function decideRunIf(decision: Decision, task: TaskPlan, place: TaskRunPlace, past: Past): boolean | undefined {
  const { runIf } = task.definition;
  if (runIf === undefined || past.attempts > 0) return true;
  if (past.evaluated && 'runIf' in past.evaluated) return isTruthy(past.evaluated['runIf']);
  if (typeof runIf !== 'string') return isTruthy(runIf);
  if (!isPure({ runIf })) return undefined;
  try {
    return isTruthy(decision.rendering(task, place, past.attempts).text(runIf));
  } catch (error) {
    if (needsWorker(error)) return undefined;
    throw error;
  }
}

function startRunnable(decision: Decision, task: TaskPlan, place: TaskRunPlace, past: Past): void {
  let runs: boolean | undefined;
  try {
    runs = decideRunIf(decision, task, place, past);
  } catch (error) {
    return endAtOnce(decision, task, place, past, 'FAILED', `'runIf' cannot be evaluated: ${sentence(error)}`);
  }
  if (runs === false) return endAtOnce(decision, task, place, past, 'SKIPPED');
  const inline = runs === true ? decision.context.inlineTask(task.type) : undefined;
  const isInline =
    inline && !needsStorage(task.definition) && !namesGroup(task.definition) && isPure(withoutRunIf(task.definition));
  if (isInline && runInline(decision, task, place, past, inline)) return;
  submitJob(decision, task, place, past, { decided: runs === true, resubmits: 0 });
}

/** A cache and a log that is a file lie in internal storage, which the executor does not touch. */
const needsStorage = ({ taskCache, logToFile }: TaskDefinition): boolean =>
  taskCache?.enabled === true || logToFile === true;

/** It runs where its author wants it. */
const namesGroup = ({ workerGroup }: TaskDefinition): boolean => (workerGroup?.key ?? '').trim() !== '';

/** One attempt that is over as soon as it was opened. */
function endAtOnce(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  past: Past,
  state: 'FAILED' | 'SKIPPED' | 'CANCELLED',
  message?: string,
): void {
  if (message !== undefined)
    decision.log(place, task, past.nextAttempt, state === 'CANCELLED' ? 'WARN' : 'ERROR', message);
  if (state === 'FAILED') {
    decision.fact({ kind: 'task-run-moved', taskRunId: place.id, to: 'RUNNING', at: decision.now });
  }
  decision.fact({ kind: 'attempt-opened', taskRunId: place.id, at: decision.now });
  endAttempt(decision, task, {
    id: place.id,
    ...(place.parentId === undefined ? {} : { parentId: place.parentId }),
    attempts: past.attempts + 1,
    firstStart: past.firstStart ?? decision.now,
    state,
  });
}

/** False, and nothing is done, when its expressions turn out to need a worker. */
function runInline(decision: Decision, task: TaskPlan, place: TaskRunPlace, past: Past, inline: InlineTask): boolean {
  const result = inlineResult(decision, task, place, past, inline);
  if (result === 'needs a worker') return false;
  decision.fact(
    { kind: 'task-run-moved', taskRunId: place.id, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId: place.id, at: decision.now },
  );
  for (const { level, message } of result.logs ?? []) decision.log(place, task, past.nextAttempt, level, message);
  if (result.error !== undefined) decision.log(place, task, past.nextAttempt, 'ERROR', result.error);
  writeMetrics(decision, task, place, result);
  endAttempt(decision, task, {
    id: place.id,
    ...(place.parentId === undefined ? {} : { parentId: place.parentId }),
    attempts: past.attempts + 1,
    firstStart: past.firstStart ?? decision.now,
    state: result.error === undefined ? (result.state ?? 'SUCCESS') : 'FAILED',
    ...(result.outputs === undefined ? {} : { outputs: result.outputs }),
  });
  return true;
}

function inlineResult(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  past: Past,
  inline: InlineTask,
): InlineResult | 'needs a worker' {
  const { executionId, flowId, namespace } = decision.view.head;
  try {
    const properties = decision.rendering(task, place, past.attempts).typed(ownProperties(task)) as PlainObject;
    const result = inline(properties, { executionId, flowId, namespace, taskId: task.id, taskRunId: place.id });
    const tooLarge = result.outputs && tooLargeOutputs(decision, task, result.outputs);
    return tooLarge ? { error: tooLarge } : result;
  } catch (error) {
    if (needsWorker(error)) return 'needs a worker';
    return { error: sentence(error) };
  }
}

function tooLargeOutputs(decision: Decision, task: TaskPlan, outputs: PlainObject): string | undefined {
  const { outputBytes } = decision.context.limits;
  if (JSON.stringify(outputs).length <= outputBytes) return undefined;
  return `The outputs of '${task.id}' are larger than ${outputBytes} bytes: write them to a file instead.`;
}

function writeMetrics(decision: Decision, task: TaskPlan, place: TaskRunPlace, result: InlineResult): void {
  const { tenant, namespace, flowId, executionId } = decision.view.head;
  for (const { type, name, value, tags = {} } of result.metrics ?? []) {
    decision.effect({
      kind: 'write-metric',
      entry: {
        tenant,
        namespace,
        flowId,
        executionId,
        taskId: task.id,
        taskRunId: place.id,
        type,
        name,
        value,
        tags,
        timestamp: decision.now,
      },
    });
  }
}

/** `decided`: the executor has decided `runIf`, so the worker need not. */
function submitJob(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  past: Past,
  { decided, resubmits }: { readonly decided: boolean; readonly resubmits: number },
): void {
  const definition = decided ? withoutRunIf(task.definition) : task.definition;
  const given =
    task.type === WORKING_DIRECTORY ? giveOutChildren(decision, task, definition, place.id) : { task: definition };
  const rendered = 'rendered' in given ? given.rendered : definition;
  const variables = decision.rendering(task, place, past.attempts).variablesFor(rendered);
  const tooLarge = tooLargeForJob(decision, task, variables);
  if (tooLarge !== undefined) return endAtOnce(decision, task, place, past, 'FAILED', tooLarge);
  const chosen = chooseGroup(decision, task, place, past.attempts);
  if (chosen.kind === 'ends') {
    if (chosen.state === 'CANCELLED') exitExecution(decision, place, 'CANCELLED');
    const counted = chosen.isFinal ? { ...past, attempts: Infinity } : past;
    return endAtOnce(decision, task, place, counted, chosen.state, chosen.message);
  }
  decision.fact({ kind: 'task-run-moved', taskRunId: place.id, to: 'SUBMITTED', at: decision.now });
  handOver(
    decision,
    {
      ...jobFor(decision, task, place),
      attempt: past.nextAttempt,
      kind: 'run',
      task: given.task,
      ...('job' in given ? given.job : {}),
      variables,
      resubmits,
    },
    chosen,
  );
}

/** Gives the job of a task run out again: its worker was lost, or handed it back. */
export function submitAgain(decision: Decision, run: TaskRun, resubmits: number): void {
  const task = decision.taskOf(run);
  if (run.evaluating && run.items) return storeOutputs(decision, task, run, run.items.stored);
  if (run.evaluating) return requestEvaluation(decision, task, run, evaluatedBy(task, run));
  // The open attempt is the one that is given up: it does not count for the new one. A job that nobody took has none.
  const given = run.claim === undefined ? 0 : 1;
  const past: Past = { ...NEW, attempts: countedAttempts(run) - given, nextAttempt: run.attempts.length + 1 };
  submitJob(decision, task, placeOf(run), past, { decided: isDecided(decision, task, run, past), resubmits });
}

/** Whether the executor has decided its `runIf`; if it has not, the worker that gets the job must. */
function isDecided(decision: Decision, task: TaskPlan, run: TaskRun, past: Past): boolean {
  try {
    return decideRunIf(decision, task, placeOf(run), past) !== undefined;
  } catch {
    return true; // It was decided when the job was first given out: a job that fails to evaluate it is never given.
  }
}

/** What a worker evaluates for a task run that needs it. */
function evaluatedBy(task: TaskPlan, run: TaskRun): PlainObject {
  if (EXECUTABLES.has(task.type)) return childExpressions(task);
  if (!run.progress) return updateExpressions(task);
  const flowable = flowableOf(task);
  const entered = run.lanes !== undefined;
  return expressionsOf(task, entered && flowable.repeats ? ROUND_EXPRESSIONS : [...flowable.renders, 'runIf']);
}

// ── tasks that change the execution ───────────────────────────────────────────────────────────────────────────────

function startUpdate(decision: Decision, task: TaskPlan, run: TaskRun, past: Past): void {
  const place = placeOf(run);
  if (!run.evaluated && !(isPure(task.definition) && isReadable(decision, task, run, updateExpressions(task)))) {
    return requestEvaluation(decision, task, run, updateExpressions(task));
  }
  try {
    if (decideRunIf(decision, task, place, past) === false) return endAtOnce(decision, task, place, past, 'SKIPPED');
  } catch (error) {
    return endAtOnce(decision, task, place, past, 'FAILED', `'runIf' cannot be evaluated: ${sentence(error)}`);
  }
  decision.fact(
    { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId: run.id, at: decision.now },
  );
  const { state, isFinal } = runUpdate(decision, task, run, () => propertiesOf(decision, task, run, past));
  endAttempt(decision, task, {
    id: run.id,
    ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
    attempts: isFinal ? Infinity : past.attempts + 1,
    firstStart: past.firstStart ?? decision.now,
    state,
  });
}

/** Whether the executor may read all that expressions read; mistakes in them are for whoever renders them. */
function isReadable(decision: Decision, task: TaskPlan, run: TaskRun, expressions: PlainObject): boolean {
  try {
    decision.rendering(task, placeOf(run), 0).text(expressions);
    return true;
  } catch (error) {
    return !needsWorker(error);
  }
}

function updateExpressions(task: TaskPlan): PlainObject {
  return { ...ownProperties(task), ...expressionsOf(task, ['runIf']) };
}

function propertiesOf(decision: Decision, task: TaskPlan, run: TaskRun, past: Past): PlainObject {
  const own = ownProperties(task);
  // As text: only few tasks keep the types of expressions (spec expressions.md §1).
  const rendered = run.evaluated ?? (decision.rendering(task, placeOf(run), past.attempts).text(own) as PlainObject);
  return Object.fromEntries(Object.entries(rendered).filter(([name]) => Object.hasOwn(own, name)));
}

// ── tasks that start executions ───────────────────────────────────────────────────────────────────────────────────

function startExecutable(decision: Decision, task: TaskPlan, run: TaskRun, past: Past): void {
  const fail = (message: string): void => endAtOnce(decision, task, placeOf(run), past, 'FAILED', message);
  const evaluate = (): void => requestEvaluation(decision, task, run, childExpressions(task));
  let runs: boolean | undefined;
  try {
    runs = decideRunIf(decision, task, placeOf(run), past);
  } catch (error) {
    return fail(`'runIf' cannot be evaluated: ${sentence(error)}`);
  }
  if (runs === false) return endAtOnce(decision, task, placeOf(run), past, 'SKIPPED');
  if (runs === undefined) return evaluate();
  EXECUTABLES.get(task.type)?.start({ decision, task, run, attempt: run.attempts.length + 1, fail, evaluate });
}

// ── tasks with children ───────────────────────────────────────────────────────────────────────────────────────────

function flowableOf(task: TaskPlan): Flowable {
  const flowable = FLOWABLES.get(task.type);
  if (!flowable) throw new Error(`Task type '${task.type}' has no children`);
  return flowable;
}

function enterOwner(decision: Decision, task: TaskPlan, run: TaskRun): void {
  const flowable = flowableOf(task);
  // The values that it asked for after a round have come.
  if (flowable.repeats && run.lanes !== undefined) return decision.then({ kind: 'round-ended', taskRunId: run.id });
  const expressions = expressionsOf(task, [...flowable.renders, 'runIf']);
  if (!run.evaluated && !isPure(expressions)) return requestEvaluation(decision, task, run, expressions);
  const place = placeOf(run);
  const past: Past = { ...NEW, evaluated: run.evaluated };
  let rendered: PlainObject;
  try {
    if (decideRunIf(decision, task, place, past) === false) return endUnentered(decision, task, run, 'SKIPPED');
    rendered = run.evaluated ?? (decision.rendering(task, place, 0).typed(expressions) as PlainObject);
  } catch (error) {
    if (needsWorker(error)) return requestEvaluation(decision, task, run, expressions);
    return endUnentered(decision, task, run, 'FAILED', sentence(error));
  }
  const entered = flowable.entered(task, rendered);
  if (entered.kind === 'refused') return endUnentered(decision, task, run, 'FAILED', entered.message);
  const tooLarge = entered.outputs && tooLargeOutputs(decision, task, entered.outputs);
  if (tooLarge) return endUnentered(decision, task, run, 'FAILED', tooLarge);
  beginOwner(decision, run, entered);
}

function beginOwner(decision: Decision, run: TaskRun, entered: Extract<Entered, { kind: 'entered' }>): void {
  const { lanes, branch, values, outputs, ready, pause } = entered;
  decision.fact(
    { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId: run.id, at: decision.now },
    { kind: 'task-run-entered', taskRunId: run.id, lanes, ...(branch === undefined ? {} : { branch }) },
  );
  if (values) decision.fact({ kind: 'loop-values-set', taskRunId: run.id, values });
  if (outputs) decision.fact({ kind: 'outputs-set', taskRunId: run.id, outputs });
  if (ready) decision.fact({ kind: 'dag-advanced', taskRunId: run.id, dependents: [], ready });
  if (pause) {
    decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'PAUSED', at: decision.now });
    if (pause.afterMs !== undefined) {
      decision.fact({
        kind: 'pause-limited',
        taskRunId: run.id,
        dueAt: decision.now + pause.afterMs,
        ...(pause.becomes === undefined ? {} : { becomes: pause.becomes }),
      });
    }
  }
  decision.then({ kind: 'advance', owner: run.id });
}

/** A task with children that ends before it has any; its retry is for its children, not for itself. */
function endUnentered(
  decision: Decision,
  task: TaskPlan,
  run: TaskRun,
  state: 'FAILED' | 'SKIPPED',
  message?: string,
): void {
  if (message !== undefined) decision.log(run, task, 1, 'ERROR', message);
  decision.fact(
    { kind: 'attempt-opened', taskRunId: run.id, at: decision.now },
    { kind: 'attempt-closed', taskRunId: run.id, state, at: decision.now },
  );
  closeTaskRun(decision, run, task, state);
}
