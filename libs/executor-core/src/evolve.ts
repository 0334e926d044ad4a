import {
  isTerminal,
  LOOP_VALUES_PAGE,
  NO_PROGRESS,
  requestedHead,
  TASK_RUN_MOVES,
  type Attempt,
  type Progress,
  type State,
  type TaskRun,
} from '@millrace/model';
import { changeHead, changeProgress, changeRun, existing, type Change } from './changing.js';
import type { Fact, NewTaskRun } from './facts.js';
import { appended, moveExecution } from './moving.js';
import { countSuspended, evolveOperation } from './operations/evolve.js';
import type { ExecutionState } from './state.js';

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** The only writer of an execution's state. Reads no clock and no flow: a fact holds all that it needs. */
export function evolve(state: ExecutionState, fact: Fact): void {
  switch (fact.kind) {
    case 'execution-created':
      return createExecution(state, fact);
    case 'execution-moved':
      return moveExecution(state, fact);
    case 'execution-outputs-set':
      return changeHead(state, { outputs: fact.outputs });
    case 'failure-noted':
      return changeHead(state, { failure: fact.message });
    case 'kill-repeat-set':
      return changeHead(state, { dueAt: fact.at });
    case 'section-entered':
      return changeProgress(state, fact.owner, (progress) => ({
        ...progress,
        section: fact.section,
        nextLane: 0,
        openLanes: 0,
      }));
    case 'lanes-started':
      return changeProgress(state, fact.owner, (progress) => ({
        ...progress,
        nextLane: progress.nextLane + fact.count,
        openLanes: progress.openLanes + fact.count,
      }));
    case 'lane-ended':
      return changeProgress(state, fact.owner, (progress) => ({ ...progress, openLanes: progress.openLanes - 1 }));
    case 'task-run-created':
      return createTaskRun(state, fact.run);
    case 'task-run-moved':
      return moveTaskRun(state, fact);
    case 'task-run-entered':
      return changeRun(state, fact.taskRunId, (run) => ({
        lanes: fact.lanes,
        // Only needed to enter; left here it would be written again with each child.
        evaluated: undefined,
        ...(fact.branch === undefined ? {} : { branch: fact.branch }),
        progress: run.progress ?? NO_PROGRESS,
      }));
    case 'loop-values-set':
      return putLoopValues(state, fact);
    case 'attempt-opened':
      return changeRun(state, fact.taskRunId, (run) => ({ attempts: [...run.attempts, openAttempt(fact)] }));
    case 'attempt-closed':
      return closeAttempt(state, fact);
    case 'job-claimed':
      return claimJob(state, fact);
    case 'job-given-out-again':
      return releaseClaim(state, fact.taskRunId, (run) =>
        fact.counted ? { resubmits: (run.resubmits ?? 0) + 1 } : {},
      );
    case 'outputs-set':
      return changeRun(state, fact.taskRunId, () => ({ outputs: fact.outputs }));
    case 'evaluation-requested':
      return changeRun(state, fact.taskRunId, () => ({ evaluating: true }));
    case 'evaluated':
      return releaseClaim(state, fact.taskRunId, () => ({ evaluated: fact.values, evaluating: undefined }));
    case 'retry-scheduled':
      changeHead(state, { retrying: state.head.retrying + 1 });
      return changeRun(state, fact.taskRunId, () => ({
        dueAt: fact.dueAt,
        resubmits: undefined,
        evaluating: undefined,
      }));
    case 'retry-started':
      changeHead(state, { retrying: state.head.retrying - 1 });
      return changeRun(state, fact.taskRunId, () => ({ dueAt: undefined }));
    default:
      return evolveOperation(state, fact);
  }
}

function createExecution(state: ExecutionState, { created, variables, labels, at }: FactOf<'execution-created'>): void {
  state.putCreated(created);
  if (Object.keys(variables).length > 0) state.putVariables({ kind: 'variables', variables });
  state.putHead({ ...requestedHead(created, labels, at), revision: 1 });
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
  state.putRun({
    ...run,
    state: to,
    histories: appended(run.histories, { state: to, date: at }),
    revision: run.revision + 1,
  });
  const count = (counted: State, ended: 1 | -1): void =>
    changeProgress(state, run.parentId, (progress) => countEnded(progress, run.section === 'tasks', counted, ended));
  if (isTerminal(run.state)) count(run.state, -1);
  if (isTerminal(to)) count(to, 1);
  countSuspended(state, run.state, to, at);
  if (isTerminal(to) && run.dueAt !== undefined) {
    changeHead(state, { retrying: state.head.retrying - 1 });
    changeRun(state, taskRunId, () => ({ dueAt: undefined }));
  }
}

/** Only children of `tasks` decide the owner's final state (spec executions.md §5). */
function countEnded(progress: Progress, decides: boolean, state: State, ended: 1 | -1): Progress {
  const count = (wanted: State): number => (decides && state === wanted ? ended : 0);
  return {
    ...progress,
    active: progress.active - ended,
    failed: progress.failed + count('FAILED'),
    warning: progress.warning + count('WARNING'),
    killed: progress.killed + count('KILLED'),
  };
}

const openAttempt = ({ at, workerId }: FactOf<'attempt-opened'>): Attempt => ({
  state: 'RUNNING',
  histories: [{ state: 'RUNNING', date: at }],
  ...(workerId === undefined ? {} : { workerId }),
});

function closeAttempt(state: ExecutionState, fact: FactOf<'attempt-closed'>): void {
  releaseClaim(state, fact.taskRunId, (run) => {
    const last = run.attempts.at(-1);
    if (!last) return {};
    const closed = { ...last, state: fact.state, histories: [...last.histories, { state: fact.state, date: fact.at }] };
    return { attempts: [...run.attempts.slice(0, -1), closed] };
  });
}

function claimJob(state: ExecutionState, { taskRunId, claim }: FactOf<'job-claimed'>): void {
  const run = existing(state, taskRunId);
  if (run.claim) countClaim(state, run.claim.instance, -1);
  countClaim(state, claim.instance, 1);
  changeRun(state, taskRunId, () => ({ claim }));
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

function putLoopValues(state: ExecutionState, { taskRunId, values }: FactOf<'loop-values-set'>): void {
  for (let page = 0; page * LOOP_VALUES_PAGE < values.length; page++) {
    const from = page * LOOP_VALUES_PAGE;
    state.putLoopValues({ kind: 'values', taskRunId, page, values: values.slice(from, from + LOOP_VALUES_PAGE) });
  }
}
