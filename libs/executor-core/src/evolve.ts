import {
  DEFAULT_GROUP,
  isTerminal,
  NO_PROGRESS,
  TASK_RUN_MOVES,
  type Attempt,
  type Progress,
  type State,
  type TaskRun,
} from '@millrace/model';
import { changeHead, changeProgress, changeRun, existing, type Change } from './changing.js';
import { evolveChildren } from './evolve-children.js';
import { appended, countWaiting } from './evolve-execution.js';
import { removeTaskRuns } from './evolve-removal.js';
import type { ChildFact, ExecutionFact, Fact, NewTaskRun, OwnerFact } from './facts.js';
import { evolveOperation, isOperationFact } from './operations/evolve.js';
import type { OperationFact } from './operations/facts.js';
import type { ExecutionState } from './state.js';

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** The only writer of an execution's state. Reads no clock and no flow: a fact holds all that it needs. */
export function evolve(state: ExecutionState, fact: Fact): void {
  switch (fact.kind) {
    case 'task-run-created':
      return createTaskRun(state, fact.run);
    case 'task-run-moved':
      return moveTaskRun(state, fact);
    case 'attempt-opened':
      return changeRun(state, fact.taskRunId, (run) => ({ attempts: [...run.attempts, openAttempt(fact)] }));
    case 'attempt-closed':
      return closeAttempt(state, fact);
    case 'task-runs-removed':
      return removeTaskRuns(state, fact.taskRunIds);
    case 'children-given-out':
      return changeRun(state, fact.taskRunId, () => ({ childGeneration: fact.generation }));
    case 'job-claimed':
      return claimJob(state, fact);
    case 'job-given-out-again':
      return releaseClaim(state, fact.taskRunId, (run) =>
        fact.counted ? { resubmits: (run.resubmits ?? 0) + 1 } : {},
      );
    case 'wait-limited':
      return changeRun(state, fact.taskRunId, () => ({ waitsUntil: fact.until }));
    case 'job-group-set':
      return changeRun(state, fact.taskRunId, () => ({
        workerGroup: fact.group === DEFAULT_GROUP ? undefined : fact.group,
        awaitsWorker: fact.waits ? (true as const) : undefined,
        waitsUntil: fact.until,
      }));
    case 'outputs-set':
      return changeRun(state, fact.taskRunId, () => ({ outputs: fact.outputs }));
    default:
      return evolveWaiting(state, fact);
  }
}

type WaitingFact = FactOf<'evaluation-requested' | 'evaluated' | 'retry-scheduled'>;

/** What task runs wait for; all else goes on to its own part. */
function evolveWaiting(
  state: ExecutionState,
  fact: WaitingFact | OwnerFact | ChildFact | ExecutionFact | OperationFact,
): void {
  switch (fact.kind) {
    case 'evaluation-requested':
      return changeRun(state, fact.taskRunId, ({ evaluations = -1 }) => ({
        evaluating: true,
        evaluations: evaluations + 1,
      }));
    case 'evaluated':
      return releaseClaim(state, fact.taskRunId, () => ({ evaluated: fact.values, evaluating: undefined }));
    case 'retry-scheduled':
      return changeRun(state, fact.taskRunId, () => ({
        dueAt: fact.dueAt,
        resubmits: undefined,
        evaluating: undefined,
        evaluated: undefined,
      }));
    default:
      return isOperationFact(fact) ? evolveOperation(state, fact) : evolveChildren(state, fact);
  }
}

function createTaskRun(state: ExecutionState, { at, owner, ...place }: NewTaskRun): void {
  const { head } = state;
  if (state.run(place.id)) throw new Error(`Task run '${place.id}' of task '${place.taskId}' exists already`);
  state.putRun({
    kind: 'task-run',
    ...place,
    tenant: head.tenant,
    executionId: head.executionId,
    namespace: head.namespace,
    flowId: head.flowId,
    sequence: head.sequence,
    state: 'CREATED',
    histories: [{ state: 'CREATED', date: at }],
    attempts: [],
    ...(owner ? { progress: NO_PROGRESS } : {}),
    revision: 1,
  });
  changeHead(state, { sequence: head.sequence + 1 });
  changeProgress(state, place.parentId, (progress) => ({ ...progress, active: progress.active + 1 }));
}

function moveTaskRun(state: ExecutionState, { taskRunId, to, at }: FactOf<'task-run-moved'>): void {
  const run = existing(state, taskRunId);
  if (run.state === to) return;
  if (!TASK_RUN_MOVES[run.state].includes(to)) {
    throw new Error(`Task run '${run.taskId}' must not move from ${run.state} to ${to}`);
  }
  changeRun(state, taskRunId, () => ({
    state: to,
    histories: appended(run.histories, { state: to, date: at }),
    // What was due belonged to the state that it leaves.
    dueAt: undefined,
    onExpiry: undefined,
    awaitsWorker: to === 'SUBMITTED' ? run.awaitsWorker : undefined,
    waitsUntil: to === 'SUBMITTED' ? run.waitsUntil : undefined,
  }));
  const count = (counted: State, ended: 1 | -1): void =>
    changeProgress(state, run.parentId, (progress) => countEnded(progress, run.section === 'tasks', counted, ended));
  if (isTerminal(run.state)) count(run.state, -1);
  if (isTerminal(to)) count(to, 1);
  countWaiting(state, run.state, to, at);
}

type Counts = Pick<Progress, 'active' | 'failed' | 'warning' | 'killed'>;

/** Only children of `tasks` decide the owner's final state (spec executions.md §5). */
function countEnded(progress: Progress, decides: boolean, state: State, ended: 1 | -1): Progress {
  return added(progress, { active: -ended, ...countedAs(state, decides, ended) });
}

function countedAs(state: State, decides: boolean, ended: 1 | -1): Omit<Counts, 'active'> {
  const count = (wanted: State): number => (decides && state === wanted ? ended : 0);
  return { failed: count('FAILED'), warning: count('WARNING'), killed: count('KILLED') };
}

const added = (progress: Progress, { active, failed, warning, killed }: Counts): Progress => ({
  ...progress,
  active: progress.active + active,
  failed: progress.failed + failed,
  warning: progress.warning + warning,
  killed: progress.killed + killed,
});

const openAttempt = ({ at, workerId }: FactOf<'attempt-opened'>): Attempt => ({
  state: 'RUNNING',
  histories: [{ state: 'RUNNING', date: at }],
  ...(workerId === undefined ? {} : { workerId }),
});

function closeAttempt(state: ExecutionState, fact: FactOf<'attempt-closed'>): void {
  releaseClaim(state, fact.taskRunId, (run) => {
    const last = run.attempts.at(-1);
    if (!last) return {};
    const closed = {
      ...last,
      state: fact.state,
      histories: [...last.histories, { state: fact.state, date: fact.at }],
      ...(fact.logFile === undefined ? {} : { logFile: fact.logFile }),
    };
    return { attempts: [...run.attempts.slice(0, -1), closed] };
  });
}

function claimJob(state: ExecutionState, { taskRunId, claim }: FactOf<'job-claimed'>): void {
  const run = existing(state, taskRunId);
  if (run.claim) countClaim(state, run.claim.instance, -1);
  countClaim(state, claim.instance, 1);
  changeRun(state, taskRunId, () => ({ claim, waitsUntil: undefined }));
}

function releaseClaim(state: ExecutionState, taskRunId: string, change: (run: TaskRun) => Change<TaskRun>): void {
  const { claim } = existing(state, taskRunId);
  if (claim) countClaim(state, claim.instance, -1);
  changeRun(state, taskRunId, (run) => ({ ...change(run), claim: undefined }));
}

function countClaim(state: ExecutionState, instance: string, change: 1 | -1): void {
  const { [instance]: held = 0, ...others } = state.head.claims;
  const count = held + change;
  changeHead(state, { claims: count > 0 ? { ...others, [instance]: count } : others });
}
