import type { ExecutionOperation, OperationRequested, Reply } from '@millrace/model';
import type { Decision } from '../decision.js';
import { Outcome } from '../outcome.js';
import { resumeFromBreakpoints } from './breakpoints.js';
import { addLabels, changeStatus, deleteExecution, setLabels } from './change.js';
import { pauseExecution, resumeExecution } from './pausing.js';
import { conflict, unknown, type Refusal } from './refusal.js';
import { changeTaskRunState, replay, restart } from './restart.js';
import { forceRun, unqueue } from './run.js';

type ShowOperation = Extract<ExecutionOperation, { kind: 'show' }>;

/** Records that one decision writes again. */
const SHOWN_AT_ONCE = 200;

/** Operations that need the flow. */
const NEED_FLOW: ReadonlySet<ExecutionOperation['kind']> = new Set<ExecutionOperation['kind']>([
  'resume',
  'restart',
  'replay',
  'change-task-run-state',
  'force-run',
  'unqueue',
]);

/** Somebody wants something of the execution; a repeat is answered again and changes nothing. */
export function operate(decision: Decision, event: OperationRequested): void {
  const { head } = decision.view;
  const { commandId, operation } = event;
  if (operation.kind === 'show') return show(decision, event, operation);
  if (head.recentCommands?.includes(commandId)) return answer(decision, event, accepted(event));
  const refusal = head.deleted ? unknown(NO_EXECUTION) : decided(decision, operation, event.by);
  if (refusal === undefined) decision.fact({ kind: 'command-accepted', commandId });
  answer(decision, event, refusal ?? accepted(event));
}

/** What is answered for an execution that does not exist. */
export function operateOnNothing(event: OperationRequested): Outcome {
  const outcome = new Outcome();
  answer(outcome, event, unknown(NO_EXECUTION));
  return outcome;
}

/** What is answered when an operation met a fault of the engine; the execution is as it was. */
export function operationFailed(event: OperationRequested, message: string): Outcome {
  const outcome = new Outcome();
  answer(outcome, event, conflict(message));
  return outcome;
}

const NO_EXECUTION = 'There is no such execution';

const accepted = ({ executionId }: OperationRequested): Reply['outcome'] => ({ kind: 'accepted', executionId });

function answer(outcome: Outcome, { commandId, replyTo }: OperationRequested, reply: Reply['outcome']): void {
  if (replyTo !== undefined) outcome.effect({ kind: 'reply', replyTo, reply: { commandId, outcome: reply } });
}

/** Piece by piece, each with a commit of its own when they are large; answered with the last one. */
function show(decision: Decision, event: OperationRequested, { after = '' }: ShowOperation): void {
  if (decision.view.head.deleted) return answer(decision, event, unknown(NO_EXECUTION));
  const ids = firstAfter(after, decision.view.recordIds(), SHOWN_AT_ONCE);
  decision.fact({ kind: 'records-shown', ids });
  const last = ids.at(-1);
  if (last === undefined || ids.length < SHOWN_AT_ONCE) return answer(decision, event, accepted(event));
  decision.next.push({ ...event, operation: { kind: 'show', after: last } });
}

/** The first `count` ids after one, in order; all others are looked at and not sorted. */
function firstAfter(after: string, ids: Iterable<string>, count: number): readonly string[] {
  let found: string[] = [];
  let last: string | undefined;
  for (const id of ids) {
    if (id <= after || (last !== undefined && id > last)) continue;
    found.push(id);
    if (found.length < 2 * count) continue;
    found = found.sort().slice(0, count);
    last = found.at(-1);
  }
  return found.sort().slice(0, count);
}

function decided(
  decision: Decision,
  operation: Exclude<ExecutionOperation, ShowOperation>,
  by: string | undefined,
): Refusal | undefined {
  if (decision.context.flow === undefined && NEED_FLOW.has(operation.kind)) {
    const { namespace, flowId, flowRevision } = decision.view.head;
    return conflict(`Revision ${flowRevision} of flow '${namespace}.${flowId}' is gone`);
  }
  switch (operation.kind) {
    case 'pause':
      return pauseExecution(decision);
    case 'resume':
      return resume(decision, operation, by);
    case 'restart':
      return restart(decision);
    case 'replay':
      return replay(decision, operation.taskRunId);
    case 'change-task-run-state':
      return changeTaskRunState(decision, operation.taskRunId, operation.state);
    case 'change-status':
      return changeStatus(decision, operation.state);
    case 'set-labels':
      return setLabels(decision, operation.labels);
    case 'add-labels':
      return addLabels(decision, operation.labels);
    case 'force-run':
      return forceRun(decision, by);
    case 'unqueue':
      return unqueue(decision, operation.state);
    case 'delete':
      return deleteExecution(decision);
    default:
      return operation satisfies never;
  }
}

function resume(
  decision: Decision,
  operation: Extract<ExecutionOperation, { kind: 'resume' }>,
  by: string | undefined,
): Refusal | undefined {
  const { state, suspended } = decision.view.head;
  if (state === 'PAUSED' || suspended === undefined) return resumeExecution(decision, operation, by);
  resumeFromBreakpoints(decision);
  return undefined;
}
