import { isTruthy, type InlineResult, type PlainObject, type TaskRun } from '@millrace/model';
import type { InlineTask } from './context.js';
import { countedAttempts, placeOf, sentence, type Decision, type TaskRunPlace } from './decision.js';
import { closeTaskRun, endAttempt, EVALUATION_ATTEMPT, nextAttempt } from './end-task-run.js';
import type { NewTaskRun } from './facts.js';
import { isBreakpoint } from './operations/breakpoints.js';
import type { TaskPlan } from './plan.js';
import { isPure, ownProperties, withoutRunIf } from './rendering.js';
import { FLOWABLES } from './tasks/flowables.js';

type Place = Pick<NewTaskRun, 'section' | 'lane' | 'index' | 'parentId' | 'value' | 'iteration'>;

/** Creates the task run of a task at its place, and starts it. */
export function startTask(decision: Decision, task: TaskPlan, place: Place): void {
  const sequence = decision.nextSequence();
  const id = decision.taskRunId({ taskId: task.id, ...place });
  const owner = FLOWABLES.has(task.type);
  decision.fact({ kind: 'task-run-created', run: { id, taskId: task.id, ...place, at: decision.now, owner } });
  if (decision.view.head.state === 'CREATED' && sequence === 0) {
    decision.fact({ kind: 'execution-moved', to: 'RUNNING', at: decision.now });
  }
  if (isBreakpoint(decision, task, place.value)) {
    decision.fact({ kind: 'task-run-moved', taskRunId: id, to: 'BREAKPOINT', at: decision.now });
  } else if (owner) decision.then({ kind: 'enter', taskRunId: id });
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
  if (run.progress) enterOwner(decision, task, run);
  else startRunnable(decision, task, placeOf(run), past);
}

/** Decides `runIf`. The answer is undefined when a worker has to evaluate it. */
function decideRunIf(decision: Decision, task: TaskPlan, place: TaskRunPlace, past: Past): boolean | undefined {
  const { runIf } = task.definition;
  if (runIf === undefined || past.attempts > 0) return true;
  if (past.evaluated && 'runIf' in past.evaluated) return isTruthy(past.evaluated['runIf']);
  if (typeof runIf !== 'string') return isTruthy(runIf);
  if (!isPure({ runIf })) return undefined;
  return isTruthy(decision.rendering(task, place, past.attempts).text(runIf));
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
  if (inline && isPure(withoutRunIf(task.definition))) return runInline(decision, task, place, past, inline);
  submitJob(decision, task, place, past, { decided: runs === true, resubmits: 0 });
}

/** One attempt that is over as soon as it was opened. */
function endAtOnce(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  past: Past,
  state: 'FAILED' | 'SKIPPED',
  message?: string,
): void {
  if (message !== undefined) decision.log(place, task, past.nextAttempt, 'ERROR', message);
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

function runInline(decision: Decision, task: TaskPlan, place: TaskRunPlace, past: Past, inline: InlineTask): void {
  decision.fact(
    { kind: 'task-run-moved', taskRunId: place.id, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId: place.id, at: decision.now },
  );
  const result = inlineResult(decision, task, place, past, inline);
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
}

function inlineResult(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  past: Past,
  inline: InlineTask,
): InlineResult {
  const { executionId, flowId, namespace } = decision.view.head;
  try {
    const properties = decision.rendering(task, place, past.attempts).typed(ownProperties(task)) as PlainObject;
    const result = inline(properties, { executionId, flowId, namespace, taskId: task.id, taskRunId: place.id });
    const tooLarge = result.outputs && tooLargeOutputs(decision, task, result.outputs);
    return tooLarge ? { error: tooLarge } : result;
  } catch (error) {
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
  const variables = decision.rendering(task, place, past.attempts).variablesFor(definition);
  const tooLarge = tooLargeForJob(decision, task, variables);
  if (tooLarge !== undefined) return endAtOnce(decision, task, place, past, 'FAILED', tooLarge);
  decision.fact({ kind: 'task-run-moved', taskRunId: place.id, to: 'SUBMITTED', at: decision.now });
  decision.effect({
    kind: 'submit-job',
    job: {
      ...jobFor(decision, task, place),
      attempt: past.nextAttempt,
      kind: 'run',
      task: definition,
      variables,
      resubmits,
    },
  });
}

/** What every job says of the task run that it is for. */
function jobFor(decision: Decision, task: TaskPlan, { id, sequence }: Pick<TaskRunPlace, 'id' | 'sequence'>) {
  const { tenant, namespace, flowId, flowRevision, executionId } = decision.view.head;
  return {
    tenant,
    namespace,
    flowId,
    flowRevision,
    executionId,
    taskRunId: id,
    sequence,
    logLevel: task.logLevel,
  };
}

/** Why the variables do not fit into a job, if they do not. */
function tooLargeForJob(decision: Decision, task: TaskPlan, variables: PlainObject): string | undefined {
  const size = JSON.stringify(variables).length;
  const { jobBytes } = decision.context.limits;
  if (size <= jobBytes) return undefined;
  return `The variables that '${task.id}' names have ${size} characters, and a job carries at most ${jobBytes}: name single members instead of all outputs, or pass a file.`;
}

/** Gives the job of a task run out again: its worker was lost, or handed it back. */
export function submitAgain(decision: Decision, run: TaskRun, resubmits: number): void {
  const task = decision.taskOf(run);
  if (run.evaluating) return requestEvaluation(decision, task, run);
  const { runIf } = task.definition;
  // The open attempt is the one that is given up: it does not count for the new one.
  const past: Past = { ...NEW, attempts: countedAttempts(run) - 1, nextAttempt: run.attempts.length + 1 };
  submitJob(decision, task, placeOf(run), past, { decided: runIf === undefined || isPure({ runIf }), resubmits });
}

// ── tasks with children ───────────────────────────────────────────────────────────────────────────────────────────

function enterOwner(decision: Decision, task: TaskPlan, run: TaskRun): void {
  const flowable = FLOWABLES.get(task.type);
  if (!flowable) throw new Error(`Task type '${task.type}' has no children`);
  const expressions = expressionsOf(task, flowable.renders);
  if (!run.evaluated && !isPure(expressions)) return requestEvaluation(decision, task, run);
  const place = placeOf(run);
  const past: Past = { ...NEW, evaluated: run.evaluated };
  let rendered: PlainObject;
  try {
    if (decideRunIf(decision, task, place, past) === false) return endUnentered(decision, task, run, 'SKIPPED');
    rendered = run.evaluated ?? (decision.rendering(task, place, 0).typed(expressions) as PlainObject);
  } catch (error) {
    return endUnentered(decision, task, run, 'FAILED', sentence(error));
  }
  const entered = flowable.entered(task, rendered);
  if (entered.kind === 'refused') return endUnentered(decision, task, run, 'FAILED', entered.message);
  const tooLarge = entered.outputs && tooLargeOutputs(decision, task, entered.outputs);
  if (tooLarge) return endUnentered(decision, task, run, 'FAILED', tooLarge);
  decision.fact(
    { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId: run.id, at: decision.now },
    {
      kind: 'task-run-entered',
      taskRunId: run.id,
      lanes: entered.lanes,
      ...(entered.branch === undefined ? {} : { branch: entered.branch }),
    },
  );
  if (entered.values) decision.fact({ kind: 'loop-values-set', taskRunId: run.id, values: entered.values });
  if (entered.outputs) decision.fact({ kind: 'outputs-set', taskRunId: run.id, outputs: entered.outputs });
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

function expressionsOf(task: TaskPlan, names: readonly string[]): PlainObject {
  const wanted = [...names, 'runIf'].filter((name) => task.definition[name] !== undefined);
  return Object.fromEntries(wanted.map((name) => [name, task.definition[name]]));
}

/** Asks a worker for the values of expressions that need what an executor must not touch. */
function requestEvaluation(decision: Decision, task: TaskPlan, run: TaskRun): void {
  const expressions = expressionsOf(task, FLOWABLES.get(task.type)?.renders ?? []);
  const variables = decision.rendering(task, placeOf(run), 0).variablesFor(expressions);
  const tooLarge = tooLargeForJob(decision, task, variables);
  if (tooLarge !== undefined) return endUnentered(decision, task, run, 'FAILED', tooLarge);
  if (!run.evaluating) {
    decision.fact(
      { kind: 'evaluation-requested', taskRunId: run.id },
      { kind: 'task-run-moved', taskRunId: run.id, to: 'SUBMITTED', at: decision.now },
    );
  }
  decision.effect({
    kind: 'submit-job',
    job: {
      ...jobFor(decision, task, run),
      attempt: EVALUATION_ATTEMPT,
      kind: 'evaluate',
      task: { id: task.id, type: task.definition.type },
      expressions,
      variables,
      resubmits: run.resubmits ?? 0,
    },
  });
}
