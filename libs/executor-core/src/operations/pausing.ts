import { resolveInputs } from '@millrace/flow';
import {
  excerpt,
  isoDate,
  isPlainObject,
  type ExecutionOperation,
  type Input,
  type PlainObject,
  type TaskRun,
} from '@millrace/model';
import { placeOf, type Decision } from '../decision.js';
import type { OwnerId } from '../facts.js';
import { resumeTaskRun } from '../pause.js';
import type { TaskPlan } from '../plan.js';
import { conflict, invalid, unknown, type Refusal } from './refusal.js';

type Resume = Extract<ExecutionOperation, { kind: 'resume' }>;

/** Steps that are taken up at once when an execution is resumed; the others follow in further steps. */
const RELEASED_PER_STEP = 50;

/** What runs goes on to its end, nothing new starts until it is resumed. */
export function pauseExecution(decision: Decision): Refusal | undefined {
  const { state } = decision.view.head;
  if (state !== 'RUNNING' || decision.isLeaving) {
    return conflict(`The execution is ${state}: only one that is RUNNING can be paused`);
  }
  decision.fact({ kind: 'hold-begun' }, { kind: 'execution-moved', to: 'PAUSED', at: decision.now });
  return undefined;
}

/** A paused task run goes on with the values that its `onResume` asks for; without one, an execution that was paused. */
export function resumeExecution(decision: Decision, operation: Resume, by: string | undefined): Refusal | undefined {
  const { state, hold } = decision.view.head;
  if (state !== 'PAUSED') return conflict(`The execution is ${state}: only one that is PAUSED can be resumed`);
  const { taskRunId } = operation;
  const run = taskRunId === undefined ? firstPaused(decision) : decision.view.run(taskRunId);
  if (run) return resumeRun(decision, run, operation, by);
  if (taskRunId !== undefined) return unknown(`The execution has no task run '${taskRunId}'`);
  if (hold?.active !== true) return conflict('Nothing in the execution waits to be resumed');
  decision.fact({ kind: 'hold-ended', at: decision.now });
  decision.then({ kind: 'release' });
  return undefined;
}

/** Step `release`: what would have started while the execution was paused. */
export function release(decision: Decision): void {
  const { hold } = decision.view.head;
  if (!hold || hold.active) return;
  const count = Math.min(hold.next - hold.first, RELEASED_PER_STEP);
  const steps = Array.from({ length: count }, (_, index) => decision.view.heldStep(hold.first + index));
  decision.fact({ kind: 'steps-released', count });
  for (const step of steps) decision.then(step);
  if (hold.first + count < hold.next) decision.then({ kind: 'release' });
}

function resumeRun(decision: Decision, run: TaskRun, { given }: Resume, by: string | undefined): Refusal | undefined {
  if (run.state !== 'PAUSED')
    return conflict(`Task run '${run.id}' is ${run.state}: only one that is PAUSED can be resumed`);
  const task = decision.taskOf(run);
  if (task.type !== 'core.flow.Pause') {
    // The wait between two rounds is over.
    decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now });
    decision.then({ kind: 'next-round', taskRunId: run.id });
    return undefined;
  }
  const resolved = onResume(decision, task, run, given);
  if ('reason' in resolved) return resolved;
  const to = task.lists.tasks.length + task.lists.finally.length > 0 ? 'RUNNING' : 'SUCCESS';
  const resumed = { ...(by === undefined ? {} : { by }), on: isoDate(decision.now), to };
  resumeTaskRun(decision, run, 'SUCCESS', { onResume: resolved.values, resumed });
  return undefined;
}

function onResume(
  decision: Decision,
  task: TaskPlan,
  run: TaskRun,
  given: PlainObject,
): { readonly values: PlainObject } | Refusal {
  const written = task.definition['onResume'];
  const inputs: readonly Input[] = Array.isArray(written) ? written.filter(isInput) : [];
  const { variables, environment } = decision.rendering(task, placeOf(run), 0).forInputs();
  const resolved = resolveInputs({ inputs: [...inputs] }, given, environment, variables);
  if ('faults' in resolved) {
    const faults = resolved.faults.map(({ input, message }) => ({ path: input, message }));
    return invalid(faults.map(({ message }) => message).join(' '), faults);
  }
  // As for inputs of an execution (spec flow.md §3).
  for (const name of resolved.ignored) {
    decision.log(run, task, 1, 'WARN', `'${excerpt(name)}' is not declared by 'onResume' and was left out`);
  }
  const { outputBytes } = decision.context.limits;
  if (JSON.stringify(resolved.values).length > outputBytes) {
    return invalid(`The values are larger than ${outputBytes} bytes: pass a file instead`);
  }
  return { values: resolved.values };
}

/** The flow was checked when it was saved. */
const isInput = (value: unknown): value is Input => isPlainObject(value) && typeof value['type'] === 'string';

/** The first PAUSED task run, one that waits for somebody before one that waits between two rounds. O(active task runs). */
function firstPaused(decision: Decision): TaskRun | undefined {
  const paused: TaskRun[] = [];
  const visit = (owner: OwnerId): void => {
    for (const run of decision.view.activeChildren(owner)) {
      if (run.state === 'PAUSED') paused.push(run);
      if (run.progress) visit(run.id);
    }
  };
  visit(undefined);
  const waitsForTime = (run: TaskRun): number => (decision.taskOf(run).type === 'core.flow.Pause' ? 0 : 1);
  return paused.sort((one, other) => waitsForTime(one) - waitsForTime(other) || one.sequence - other.sequence)[0];
}
