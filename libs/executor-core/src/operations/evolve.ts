import { DAG_PAGE, NO_PROGRESS } from '@millrace/model';
import { changeHead, changeProgress, changeRun, existing } from '../changing.js';
import { dropHold, settleWaiting } from '../evolve-execution.js';
import type { Fact } from '../facts.js';
import type { ExecutionState } from '../state.js';
import type { OperationFact } from './facts.js';

/** Ids of operations that are kept: a publisher repeats itself within moments. */
const RECENT_COMMANDS = 10;

const KINDS: ReadonlySet<Fact['kind']> = new Set<OperationFact['kind']>([
  'command-accepted',
  'execution-restarted',
  'restart-settled',
  'task-run-reset',
  'lanes-set',
  'dag-rebuilt',
  'labels-set',
  'execution-deleted',
  'records-shown',
  'records-taken',
]);

export const isOperationFact = <Other extends Fact>(fact: Other | OperationFact): fact is OperationFact =>
  KINDS.has(fact.kind);

/** The part of `evolve` for what was asked for. */
export function evolveOperation(state: ExecutionState, fact: OperationFact): void {
  switch (fact.kind) {
    case 'command-accepted':
      return changeHead(state, {
        recentCommands: [...(state.head.recentCommands ?? []), fact.commandId].slice(-RECENT_COMMANDS),
      });
    case 'execution-restarted':
      return restartExecution(state, fact.counts);
    case 'restart-settled':
      return settleWaiting(state, fact.at);
    case 'task-run-reset':
      return resetTaskRun(state, fact.taskRunId);
    case 'lanes-set': {
      const { owner, nextLane, openLanes } = fact;
      changeProgress(state, owner, (progress) => ({ ...progress, section: 'tasks', nextLane, openLanes }));
      // How it would have ended is open again.
      if (owner !== undefined) changeRun(state, owner, () => ({ endsAs: undefined, evaluated: undefined }));
      return;
    }
    case 'dag-rebuilt':
      return rebuildDag(state, fact);
    case 'labels-set':
      return changeHead(state, { labels: fact.labels });
    case 'execution-deleted':
      return changeHead(state, { deleted: true });
    case 'records-shown':
      return state.rewrite(fact.ids);
    case 'records-taken':
      return takeRecords(state, fact);
    default:
      return fact satisfies never;
  }
}

function takeRecords(
  state: ExecutionState,
  { records, begins, awaits }: Extract<OperationFact, { kind: 'records-taken' }>,
): void {
  if (begins === true) state.removeRecords();
  for (const [id, record] of Object.entries(records)) state.putRecord(id, record);
  state.awaitSnapshot(awaits);
}

function restartExecution(state: ExecutionState, counts: boolean): void {
  // Steps that waited are found anew.
  dropHold(state);
  changeHead(state, {
    attemptNumber: state.head.attemptNumber + (counts ? 1 : 0),
    restarts: (state.head.restarts ?? 0) + 1,
    failure: undefined,
    outputs: undefined,
    endsAs: undefined,
    violations: undefined,
    listeners: undefined,
  });
}

function resetTaskRun(state: ExecutionState, taskRunId: string): void {
  state.removeKept(existing(state, taskRunId));
  changeRun(state, taskRunId, ({ progress }) => ({
    ...(progress ? { progress: NO_PROGRESS } : {}),
    lanes: undefined,
    branch: undefined,
    outputs: undefined,
    evaluated: undefined,
    evaluating: undefined,
    endsAs: undefined,
    resubmits: undefined,
  }));
}

function rebuildDag(
  state: ExecutionState,
  { taskRunId, order, ended, lanes }: Extract<OperationFact, { kind: 'dag-rebuilt' }>,
): void {
  state.removeKept(existing(state, taskRunId));
  for (let page = 0; page * DAG_PAGE < Math.max(order.length, ended.length); page++) {
    const [from, to] = [page * DAG_PAGE, (page + 1) * DAG_PAGE];
    state.putDagPage({ kind: 'dag', taskRunId, page, ended: ended.slice(from, to), order: order.slice(from, to) });
  }
  changeRun(state, taskRunId, () => ({ lanes: order.length }));
  for (const [id, lane] of Object.entries(lanes)) {
    const run = state.run(id);
    if (run && run.lane !== lane) changeRun(state, id, () => ({ lane }));
  }
}
