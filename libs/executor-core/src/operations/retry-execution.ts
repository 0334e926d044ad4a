import { derivedId, isTerminal, placedId, type ExecutionRequested, type TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import { clearTimers } from '../end-execution.js';
import { stopTaskRun } from '../end-task-run.js';
import type { OwnerId } from '../facts.js';
import { afterExecution } from '../owner.js';
import { withLabel } from './restart.js';
import { RETRY } from './timer-names.js';

/**
 * Step `retry-as-execution`: a task whose retry makes a new execution was RETRIED. So are the owners around it and the
 * execution; whatever else runs is stopped.
 */
export function retryAsExecution(decision: Decision, taskRunId: string, dueAt: number): void {
  const { head } = decision.view;
  const run = decision.view.run(taskRunId);
  if (!run || isTerminal(head.state) || decision.isLeaving) return;
  const around = new Set(ancestorsOf(decision, run).map(({ id }) => id));
  stopAround(decision, undefined, around);
  clearTimers(decision);
  decision.fact(
    { kind: 'execution-moved', to: 'RETRIED', at: decision.now },
    { kind: 'timer-set', name: RETRY, at: dueAt },
  );
  afterExecution(decision);
}

function ancestorsOf(decision: Decision, run: TaskRun): readonly TaskRun[] {
  const parent = run.parentId === undefined ? undefined : decision.view.run(run.parentId);
  return parent ? [parent, ...ancestorsOf(decision, parent)] : [];
}

function stopAround(decision: Decision, owner: OwnerId, retried: ReadonlySet<string>): void {
  for (const child of decision.view.activeChildren(owner)) {
    if (child.progress) stopAround(decision, child.id, retried);
    stopTaskRun(decision, child, retried.has(child.id) ? 'RETRIED' : 'KILLED');
  }
}

/** The execution that takes the place of a RETRIED one: the same inputs, from the beginning. */
export function startRetryExecution(decision: Decision): void {
  const { head, created } = decision.view;
  if (head.state !== 'RETRIED') return;
  const { scheduleDate: _past, breakpoints: _passed, ...rest } = created;
  const executionId = placedId(
    derivedId(head.executionId, 'retry', head.attemptNumber),
    decision.context.placement ?? 0,
  );
  const event: ExecutionRequested & { readonly tenant: string; readonly executionId: string } = {
    kind: 'execution-requested',
    tenant: head.tenant,
    executionId,
    created: {
      ...rest,
      executionId,
      parentId: head.executionId,
      attemptNumber: head.attemptNumber + 1,
      originalCreatedAt: created.originalCreatedAt ?? head.histories[0]?.date ?? decision.now,
    },
    variables: decision.flow.variables,
    labels: withLabel(
      head.labels.filter(({ key }) => key !== 'system.restarted'),
      'system.replay',
    ),
    at: decision.now,
  };
  decision.effect({ kind: 'send-event', event });
}
