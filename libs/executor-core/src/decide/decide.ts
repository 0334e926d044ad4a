import {
  excerpt,
  isTerminal,
  type ChildExecutionEnded,
  type ExecutionCreated,
  type ExecutionRequested,
  type OperationRequested,
  type SnapshotPart,
} from '@millrace/model';
import type { ExecutionContext } from '../context.js';
import { Decision, EXECUTOR_LINE, isOpen, MESSAGE_LENGTH_MAX, sentence } from '../decision.js';
import { failExecution } from '../end-execution.js';
import { operate, operateOnNothing, operationFailed } from '../operations/operate.js';
import { release } from '../operations/pausing.js';
import { retryAsExecution } from '../operations/retry-execution.js';
import { beginExecution, maintenanceEnded } from '../operations/timers.js';
import { advance, childEnded, leave, listen, settleKill, startInOpenLane } from '../owner.js';
import { Outcome, type Input, type Step } from '../outcome.js';
import { NO_LISTS, type FlowPlan } from '../plan.js';
import { nextRound, roundEnded } from '../rounds.js';
import { checkAssertions } from '../sla.js';
import { enter } from '../start-task.js';
import { workersChanged } from '../waiting-jobs.js';
import type { ExecutionView } from '../state.js';
import { itemEnded, startItems } from '../executables/items.js';
import { killChildren, killItems } from '../executables/kill-children.js';
import { subflowEnded } from '../executables/subflow.js';
import { childEnded as childEndedFor, fullyEnded, tellOfNoRestart } from './fully-ended.js';
import { instanceLost, jobClaimed, jobEnded, jobHandedBack, jobProgressed } from './jobs.js';
import { killMore, killRequested } from './kill.js';
import { begin, slotAnswered, slotOfNobody, takeSlotIfRunning } from './slots.js';
import { wake } from './timers.js';
import { formatOf, wanted } from './wanted.js';

export interface Wake {
  readonly kind: 'wake';
}

/**
 * What follows from an event or step in the given state: facts, effects and further steps. Reads and never writes; the
 * same arguments give the same answer. An event that is not current (a repeat, a late result) gives nothing.
 */
export function decide(view: ExecutionView, input: Input | Wake, context: ExecutionContext): Outcome {
  if (input.kind === 'execution-requested') return andEnd(requested(view, input, context));
  if (input.kind === 'execution-wanted') return andEnd(wanted(view, input, context));
  if (input.kind === 'snapshot-part') return snapshotPart(view, input);
  if (!view.exists) return ofNobody(input, context);
  if (isVoid(view, input)) return new Outcome();
  const decision = new Decision(view, context.flow ?? NO_FLOW, context);
  if (input.kind === 'operation-requested') operate(decision, input);
  else if (input.kind === 'fully-ended') fullyEnded(decision);
  else if (input.kind === 'slot-answered' && view.head.deleted) slotAnswered(decision, input);
  else if (view.head.deleted) return decision;
  else if (!context.flow) {
    const { namespace, flowId, flowRevision } = view.head;
    failExecution(decision, `Revision ${flowRevision} of flow '${namespace}.${flowId}' is gone`);
  } else if (isHeld(view, input)) decision.fact({ kind: 'step-held', step: input });
  else react(decision, input);
  if (input.kind === 'operation-requested') takeSlotIfRunning(decision, input.operation.kind);
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
  if (input.kind !== 'operation-requested') return new Outcome();
  const refusal = `The execution ${input.executionId} is gone and cannot be restarted`;
  return tellRefusal(operateOnNothing(input), input, refusal, context.now);
}

/** A task run that wanted a restart, and waits for the end, hears that there is none. */
function tellRefusal(outcome: Outcome, event: OperationRequested, refusal: string, now: number): Outcome {
  const { parent, tenant, executionId } = event;
  if (!parent) return outcome;
  const ended = childEndedFor(parent, tenant, executionId, now);
  outcome.effect({ kind: 'send-event', event: { ...ended, state: 'FAILED', refusal } });
  return outcome;
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

const STEPS: ReadonlySet<string> = new Set<Step['kind']>([
  'enter',
  'advance',
  'child-ended',
  'start-in-lane',
  'retry-as-execution',
  'round-ended',
  'next-round',
  'leave',
  'listen',
  'release',
  'kill-more',
  'settle-kill',
  'begin',
  'fully-ended',
  'start-items',
]);

const isStep = (input: Input | Wake): input is Step => STEPS.has(input.kind);

/** A step that was put off, and the execution was restarted before its turn came. */
const isVoid = ({ head }: ExecutionView, input: Input | Wake): boolean =>
  isStep(input) && (input.restarts ?? 0) !== (head.restarts ?? 0);

type Reacted =
  | Exclude<
      Input,
      { kind: 'execution-requested' | 'execution-wanted' | 'operation-requested' | 'snapshot-part' | 'fully-ended' }
    >
  | Wake;

function react(decision: Decision, input: Reacted): void {
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
    case 'maintenance-ended':
      return maintenanceEnded(decision);
    case 'workers-changed':
      return workersChanged(decision, input);
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
    case 'start-in-lane':
      return startInOpenLane(decision, input.owner, input.lane, input.index);
    case 'retry-as-execution':
      return retryAsExecution(decision, input.taskRunId, input.dueAt);
    case 'round-ended':
    case 'next-round':
    case 'leave':
      return reactToOwner(decision, input);
    case 'listen':
      return listen(decision);
    case 'release':
      return release(decision);
    case 'kill-more':
      if (decision.isLeaving) killMore(decision);
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

/** Steps that start something, or find out what starts next. */
const HELD: ReadonlySet<string> = new Set<Step['kind']>([
  'enter',
  'advance',
  'child-ended',
  'round-ended',
  'next-round',
  'leave',
  'start-in-lane',
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

function requested(view: ExecutionView, event: ExecutionRequested, context: ExecutionContext): Outcome {
  const outcome = new Outcome();
  if (view.exists) return outcome;
  const { created, variables, labels, at } = event;
  outcome.fact({ kind: 'execution-created', created, variables, labels, ...formatOf(context), at });
  if (event.failedAtStart !== undefined) return failAtOnce(outcome, created, event.failedAtStart, at);
  // A first step on the state that holds the execution; it also finds out when the flow is gone.
  beginExecution(outcome, created, context);
  return outcome;
}

/**
 * Records of a snapshot are taken until its head is there; then it is an execution like others. The head is not taken when
 * parts before it are missing: the execution stays unknown, and whoever needs it sends it again. Of two snapshots at the
 * same time the one that began last is taken; parts of the other that come after that are not.
 */
function snapshotPart(view: ExecutionView, { records, begins, total, snapshot }: SnapshotPart): Outcome {
  const outcome = new Outcome();
  if (view.exists || (begins !== true && snapshot !== view.awaitedSnapshot)) return outcome;
  if (total !== undefined) {
    const ids = new Set([...(begins === true ? [] : view.recordIds()), ...Object.keys(records)]);
    if (ids.size !== total) return outcome;
  }
  const awaits = total === undefined ? snapshot : undefined;
  outcome.fact({
    kind: 'records-taken',
    records,
    ...(begins === true ? { begins } : {}),
    ...(awaits === undefined ? {} : { awaits }),
  });
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
  if (input.kind === 'operation-requested') {
    return tellRefusal(operationFailed(input, reason), input, reason, context.now);
  }
  if (!view.exists) {
    const outcome = new Outcome();
    if (input.kind === 'execution-wanted') return wanted(view, { ...input, failure: reason }, context);
    if (input.kind !== 'execution-requested') return outcome;
    const { created, variables, labels, at } = input;
    outcome.fact({ kind: 'execution-created', created, variables, labels, ...formatOf(context), at });
    return failAtOnce(outcome, created, reason, context.now);
  }
  const decision = new Decision(view, context.flow ?? NO_FLOW, context);
  if (!isTerminal(view.head.state)) failExecution(decision, reason);
  return andEnd(decision);
}
