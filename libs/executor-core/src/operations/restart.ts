import { isTerminal, type Label, type State } from '@millrace/model';
import type { Decision } from '../decision.js';
import { agreementTimers } from '../sla.js';
import { withdrawJob } from '../end-task-run.js';
import type { Refusal } from './refusal.js';
import { conflict, invalid, unknown } from './refusal.js';
import { isBesideTasks, reopen, type Reopened } from './reopen.js';

/** Ends after which a task run is tried again by a restart: no good ones. */
const FAILED_ENDS: readonly State[] = ['FAILED', 'KILLED', 'CANCELLED'];
/** In a copy, what had not ended in the source is CREATED. */
const RESTARTED: ReadonlySet<State> = new Set<State>([...FAILED_ENDS, 'PAUSED', 'CREATED']);
const REPLAYED: ReadonlySet<State> = new Set<State>([...RESTARTED, 'RETRIED']);
/** Ends that a person may give to a task run. */
const GIVEN_ENDS: ReadonlySet<State> = new Set<State>([
  'SUCCESS',
  'WARNING',
  'FAILED',
  'KILLED',
  'CANCELLED',
  'SKIPPED',
]);

/**
 * The same execution goes on: what failed, was killed or is paused runs again, in another attempt (spec executions.md
 * §7). A killed execution may be restarted too.
 */
export function restart(decision: Decision): Refusal | undefined {
  const { head } = decision.view;
  const { state } = head;
  if (!isTerminal(state) && state !== 'PAUSED') {
    return conflict(`The execution is ${state}: only one that has ended or is paused can be restarted`);
  }
  const reopened = reopen(decision, { again: RESTARTED });
  const mayGoOn = state === 'KILLED' || state === 'CANCELLED' || (state === 'FAILED' && head.sequence === 0);
  if (!reopened.findsWork && !mayGoOn) {
    return conflict(
      `No task run of the execution failed or is paused, so there is nothing to restart: replay it instead`,
    );
  }
  goOn(decision, reopened);
  decision.fact({ kind: 'labels-set', labels: withLabel(decision.view.head.labels, 'system.restarted') });
  return undefined;
}

/** A copy of an execution goes on from one of its task runs; what came after it is removed. */
export function replay(decision: Decision, taskRunId: string): Refusal | undefined {
  const { head } = decision.view;
  if (head.state !== 'CREATED') return conflict(`The execution is ${head.state}: only a new copy can be replayed`);
  const run = decision.view.run(taskRunId);
  if (!run) return unknown(`The execution has no task run '${taskRunId}'`);
  goOn(decision, reopen(decision, { again: REPLAYED, target: { run, to: 'again' } }));
  return undefined;
}

/** A task run of an execution that has ended gets another end, and the execution goes on after it. */
export function changeTaskRunState(decision: Decision, taskRunId: string, to: State): Refusal | undefined {
  const { state } = decision.view.head;
  if (!isTerminal(state) || state === 'KILLED') {
    return conflict(
      `The execution is ${state}: a task run can be changed only in one that has ended and was not killed`,
    );
  }
  if (!GIVEN_ENDS.has(to))
    return invalid(`A task run cannot be given the state ${to}: use ${[...GIVEN_ENDS].join(', ')}`);
  const run = decision.view.run(taskRunId);
  if (!run) return unknown(`The execution has no task run '${taskRunId}'`);
  if (isBesideTasks(decision, run)) {
    return invalid(
      `'${run.taskId}' belongs to 'errors', 'finally' or 'afterExecution', which run again: change a task before`,
    );
  }
  goOn(decision, reopen(decision, { again: new Set(), target: { run, to } }));
  return undefined;
}

function goOn(decision: Decision, { facts, steps, withdrawn }: Reopened): void {
  for (const run of withdrawn) withdrawJob(decision, run);
  decision.fact(
    { kind: 'execution-moved', to: 'RESTARTED', at: decision.now },
    // A copy is the first attempt of an execution of its own.
    { kind: 'execution-restarted', counts: decision.view.head.state !== 'CREATED' },
    ...facts,
    { kind: 'restart-settled', at: decision.now },
  );
  // What was agreed counts from here again.
  if (isTerminal(decision.view.head.state)) decision.fact(...agreementTimers(decision.flow.definition, decision.now));
  for (const step of steps) decision.thenRestarted(step);
}

/** Labels with one more that says `true`. */
export const withLabel = (labels: readonly Label[], key: string): readonly Label[] => [
  ...labels.filter((label) => label.key !== key),
  { key, value: 'true' },
];
