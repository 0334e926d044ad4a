import { excerpt, isTerminal, type ChildExecutionEnded, type ExecutionRequested } from '@millrace/model';
import type { ExecutionContext } from '../context.js';
import { Decision, isOpen, sentence } from '../decision.js';
import { failExecution } from '../end-execution.js';
import { advance, childEnded, settleKill } from '../owner.js';
import { Outcome, type Input } from '../outcome.js';
import type { FlowPlan } from '../plan.js';
import { enter } from '../start-task.js';
import type { ExecutionView } from '../state.js';
import { itemEnded, startItems } from '../executables/items.js';
import { killChildren, killItems } from '../executables/kill-children.js';
import { subflowEnded } from '../executables/subflow.js';
import { childEnded as childEndedFor, fullyEnded, tellOfNoRestart } from './fully-ended.js';
import { instanceLost, jobClaimed, jobEnded, jobHandedBack, jobProgressed } from './jobs.js';
import { killMore, killRequested } from './kill.js';
import { begin, slotAnswered, slotOfNobody } from './slots.js';
import { wake } from './timers.js';
import { wanted } from './wanted.js';

export interface Wake {
  readonly kind: 'wake';
}

/**
 * What follows from an event or step in the given state: facts, effects and further steps. Reads and never writes; the
 * same arguments give the same answer. An event that is not current (a repeat, a late result) gives nothing.
 */
export function decide(view: ExecutionView, input: Input | Wake, context: ExecutionContext): Outcome {
  if (input.kind === 'execution-requested') return requested(view, input);
  if (input.kind === 'execution-wanted') return andEnd(wanted(view, input, context));
  if (!view.exists) return ofNobody(input, context);
  const decision = new Decision(view, context.flow ?? NO_FLOW, context);
  if (input.kind === 'fully-ended') fullyEnded(decision);
  else if (!context.flow) {
    const { namespace, flowId, flowRevision } = view.head;
    failExecution(decision, `Revision ${flowRevision} of flow '${namespace}.${flowId}' is gone`);
  } else react(decision, input);
  if (input.kind === 'operation-requested' && input.parent && input.operation.kind === 'restart') {
    const restarted = decision.facts.some(({ kind }) => kind === 'execution-moved');
    if (!restarted) tellOfNoRestart(decision, input.parent);
  }
  return andEnd(decision);
}

/** Whichever way an execution comes to its end, those who wait for that are told in a step of its own. */
function andEnd<Decided extends Outcome>(outcome: Decided): Decided {
  const ended = outcome.facts.some(
    (fact) => fact.kind === 'section-entered' && fact.owner === undefined && fact.section === 'ended',
  );
  if (ended) outcome.then({ kind: 'fully-ended' });
  return outcome;
}

/** What came for an execution that does not exist. */
function ofNobody(input: Input | Wake, context: ExecutionContext): Outcome {
  if (input.kind === 'slot-answered') return slotOfNobody(input);
  const outcome = new Outcome();
  if (input.kind === 'operation-requested' && input.parent && input.operation.kind === 'restart') {
    const ended = childEndedFor(input.parent, input.tenant, input.executionId, context.now);
    const refusal = `The execution ${input.executionId} is gone and cannot be restarted`;
    outcome.effect({ kind: 'send-event', event: { ...ended, state: 'FAILED', refusal } });
  }
  return outcome;
}

const NO_FLOW: FlowPlan = {
  tenant: '',
  namespace: '',
  flowId: '',
  revision: 0,
  lists: { tasks: [], errors: [], finally: [], afterExecution: [] },
  tasks: new Map(),
  outputs: [],
  variables: {},
  definition: { id: '', namespace: '', tasks: [] },
  deleted: true,
};

type Reaction = Exclude<Input, { kind: 'execution-requested' | 'execution-wanted' | 'fully-ended' }> | Wake;

function react(decision: Decision, input: Reaction): void {
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
      return childEnded(decision, input.owner, input.taskRunId);
    case 'enter': {
      const run = decision.view.run(input.taskRunId);
      if (isOpen(run) && !decision.isStopping) enter(decision, run);
      return;
    }
    case 'kill-more':
      if (decision.isStopping) killMore(decision);
      return;
    case 'settle-kill':
      return settleKill(decision);
    case 'kill-children':
      return killChildren(decision, input.from);
    case 'kill-items':
      return killItems(decision, decision.view.run(input.taskRunId), input.index);
    case 'begin':
      return begin(decision);
    case 'start-items':
      return startItems(decision, decision.view.run(input.taskRunId));
    case 'child-execution-ended':
      return childExecutionEnded(decision, input);
    case 'slot-answered':
      return slotAnswered(decision, input);
    case 'operation-requested':
    case 'snapshot-part':
    case 'continued':
      return;
    default:
      return input satisfies never;
  }
}

function childExecutionEnded(decision: Decision, event: ChildExecutionEnded): void {
  const run = decision.view.run(event.taskRunId);
  if (!isOpen(run)) return;
  if (event.index === undefined) subflowEnded(decision, run, event);
  else itemEnded(decision, run, event);
}

function requested(view: ExecutionView, event: ExecutionRequested): Outcome {
  const outcome = new Outcome();
  if (view.exists) return outcome;
  const { created, variables, labels, at } = event;
  outcome.fact({ kind: 'execution-created', created, variables, labels, at });
  // A first step on the state that holds the execution; it also finds out when the flow is gone.
  outcome.then({ kind: 'begin' });
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
    if (input.kind === 'execution-wanted') return wanted(view, { ...input, failure: reason }, context);
    if (input.kind !== 'execution-requested') return outcome;
    const { created, variables, labels, at } = input;
    outcome.fact(
      { kind: 'execution-created', created, variables, labels, at },
      { kind: 'failure-noted', message: reason },
      { kind: 'section-entered', owner: undefined, section: 'ended' },
      { kind: 'execution-moved', to: 'FAILED', at: context.now },
    );
    return outcome;
  }
  const decision = new Decision(view, context.flow ?? NO_FLOW, context);
  if (!isTerminal(view.head.state)) failExecution(decision, reason);
  return andEnd(decision);
}
