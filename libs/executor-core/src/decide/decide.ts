import {
  excerpt,
  isTerminal,
  type ExecutionCreated,
  type ExecutionRequested,
  type OperationRequested,
} from '@millrace/model';
import type { ExecutionContext } from '../context.js';
import { Decision, EXECUTOR_LINE, isOpen, MESSAGE_LENGTH_MAX, sentence } from '../decision.js';
import { failExecution } from '../end-execution.js';
import { pauseExecution, release, resumeExecution } from '../operations/pausing.js';
import { advance, childEnded, leave, listen, settleKill } from '../owner.js';
import { Outcome, type Input, type Step } from '../outcome.js';
import { NO_LISTS, type FlowPlan } from '../plan.js';
import { nextRound, roundEnded } from '../rounds.js';
import { agreementTimers, checkAssertions } from '../sla.js';
import { enter } from '../start-task.js';
import type { ExecutionView } from '../state.js';
import { instanceLost, jobClaimed, jobEnded, jobHandedBack, jobProgressed } from './jobs.js';
import { killMore, killRequested } from './kill.js';
import { wake } from './timers.js';

export interface Wake {
  readonly kind: 'wake';
}

/**
 * What follows from an event or step in the given state: facts, effects and further steps. Reads and never writes; the
 * same arguments give the same answer. An event that is not current (a repeat, a late result) gives nothing.
 */
export function decide(view: ExecutionView, input: Input | Wake, context: ExecutionContext): Outcome {
  if (input.kind === 'execution-requested') return requested(view, input, context);
  if (!view.exists) return new Outcome();
  const decision = new Decision(view, context.flow ?? NO_FLOW, context);
  if (!context.flow) {
    const { namespace, flowId, flowRevision } = view.head;
    failExecution(decision, `Revision ${flowRevision} of flow '${namespace}.${flowId}' is gone`);
  } else if (isHeld(view, input)) decision.fact({ kind: 'step-held', step: input });
  else react(decision, input);
  return decision;
}

const NO_FLOW: FlowPlan = {
  tenant: '',
  namespace: '',
  flowId: '',
  revision: 0,
  lists: NO_LISTS,
  listeners: [],
  tasks: new Map(),
  outputs: [],
  variables: {},
  definition: { id: '', namespace: '', tasks: [] },
  deleted: true,
};

function react(decision: Decision, input: Exclude<Input, { kind: 'execution-requested' }> | Wake): void {
  switch (input.kind) {
    case 'job-claimed':
      return jobClaimed(decision, input);
    case 'job-ended':
      return jobEnded(decision, input);
    case 'job-progressed':
      return jobProgressed(decision, input);
    case 'job-handed-back':
      return jobHandedBack(decision, input);
    case 'instance-lost':
      return instanceLost(decision, input);
    case 'kill-requested':
      return killRequested(decision, input);
    case 'wake':
      return wake(decision);
    case 'advance':
      return advance(decision, input.owner);
    case 'child-ended':
      if (checkAssertions(decision)) return;
      return childEnded(decision, input.owner, input.taskRunId);
    case 'enter': {
      const run = decision.view.run(input.taskRunId);
      if (isOpen(run) && !decision.isLeaving) enter(decision, run);
      return;
    }
    case 'round-ended':
    case 'next-round':
    case 'leave':
      return reactToOwner(decision, input);
    case 'listen':
      return listen(decision);
    case 'release':
      return release(decision);
    case 'operation-requested':
      return operate(decision, input);
    case 'kill-more':
      if (decision.isLeaving) killMore(decision);
      return;
    case 'settle-kill':
      return settleKill(decision);
    case 'execution-wanted':
    case 'snapshot-part':
    case 'child-execution-ended':
    case 'slot-answered':
    case 'continued':
      return;
    default:
      return input satisfies never;
  }
}

/** Steps that start something, or find out what starts next. */
const HELD: ReadonlySet<string> = new Set<Step['kind']>([
  'enter',
  'advance',
  'child-ended',
  'round-ended',
  'next-round',
  'leave',
]);

/** Somebody has paused the execution: what would start waits. */
const isHeld = ({ head }: ExecutionView, input: Input | Wake): boolean =>
  head.hold?.active === true && head.state === 'PAUSED' && HELD.has(input.kind);

/** What comes next in a task run with children; nothing when everything ends. */
function reactToOwner(
  decision: Decision,
  { kind, taskRunId }: Extract<Input, { kind: 'round-ended' | 'next-round' | 'leave' }>,
): void {
  const run = decision.view.run(taskRunId);
  if (!isOpen(run) || decision.isLeaving) return;
  if (kind === 'leave') leave(decision, run);
  else if (kind === 'next-round') nextRound(decision, run);
  else roundEnded(decision, run);
}

function operate(decision: Decision, { operation, by, commandId, replyTo, executionId }: OperationRequested): void {
  const refusal =
    operation.kind === 'pause'
      ? pauseExecution(decision)
      : operation.kind === 'resume'
        ? resumeExecution(decision, operation, by)
        : undefined;
  if (replyTo === undefined) return;
  const outcome = refusal ?? { kind: 'accepted' as const, executionId };
  decision.effect({ kind: 'reply', replyTo, reply: { commandId, outcome } });
}

function requested(view: ExecutionView, event: ExecutionRequested, { flow }: ExecutionContext): Outcome {
  const outcome = new Outcome();
  if (view.exists) return outcome;
  const { created, variables, labels, at } = event;
  outcome.fact({ kind: 'execution-created', created, variables, labels, at });
  if (event.failedAtStart !== undefined) return failAtOnce(outcome, created, event.failedAtStart, at);
  if (flow) outcome.fact(...agreementTimers(flow.definition, at));
  // A first step on the state that holds the execution; it also finds out when the flow is gone.
  outcome.then({ kind: 'advance', owner: undefined });
  return outcome;
}

/** An execution that was just created is FAILED before anything of it runs; its log says why. */
function failAtOnce(outcome: Outcome, created: ExecutionCreated, message: string, at: number): Outcome {
  const { tenant, namespace, flowId, executionId } = created;
  const place = { tenant, namespace, flowId, executionId, taskRunSequence: 0, lineNumber: EXECUTOR_LINE };
  outcome.effect({
    kind: 'write-log',
    entry: { ...place, timestamp: at, level: 'ERROR', message: excerpt(message, MESSAGE_LENGTH_MAX) },
  });
  outcome.fact(
    { kind: 'failure-noted', message },
    { kind: 'section-entered', owner: undefined, section: 'ended' },
    { kind: 'execution-moved', to: 'FAILED', at },
  );
  return outcome;
}

/**
 * What follows when a decision threw: a fault of the engine or a limit. The execution fails with the reason; other
 * executions of the partition are not touched.
 */
export function failed(view: ExecutionView, input: Input | Wake, fault: Error, context: ExecutionContext): Outcome {
  const reason = `The engine could not handle '${input.kind}': ${excerpt(sentence(fault), 500)}`;
  if (!view.exists) {
    const outcome = new Outcome();
    if (input.kind !== 'execution-requested') return outcome;
    const { created, variables, labels, at } = input;
    outcome.fact({ kind: 'execution-created', created, variables, labels, at });
    return failAtOnce(outcome, created, reason, context.now);
  }
  const decision = new Decision(view, context.flow ?? NO_FLOW, context);
  if (!isTerminal(view.head.state)) failExecution(decision, reason);
  return decision;
}
