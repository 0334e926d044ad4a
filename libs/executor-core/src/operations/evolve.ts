import { NO_PROGRESS, type State } from '@millrace/model';
import { changeHead, changeProgress, changeRun } from '../changing.js';
import { removeTaskRuns } from '../evolve-removal.js';
import { moveExecution } from '../moving.js';
import type { ExecutionState } from '../state.js';
import type { OperationFact } from './facts.js';

/** Ids of operations that are kept: a publisher repeats itself within moments. */
const RECENT_COMMANDS = 10;

/** The part of `evolve` for what was asked for. */
export function evolveOperation(state: ExecutionState, fact: OperationFact): void {
  switch (fact.kind) {
    case 'command-accepted':
      return changeHead(state, {
        recentCommands: [...(state.head.recentCommands ?? []), fact.commandId].slice(-RECENT_COMMANDS),
      });
    case 'timer-set':
      return setTimer(state, fact.name, fact.at);
    case 'execution-restarted':
      return changeHead(state, {
        attemptNumber: state.head.attemptNumber + (fact.counts ? 1 : 0),
        restarts: (state.head.restarts ?? 0) + 1,
        failure: undefined,
        outputs: undefined,
      });
    case 'task-run-reset':
      state.removeLoopValues(fact.taskRunId);
      return changeRun(state, fact.taskRunId, ({ progress }) => ({
        ...(progress ? { progress: NO_PROGRESS } : {}),
        lanes: undefined,
        branch: undefined,
        outputs: undefined,
        evaluated: undefined,
        evaluating: undefined,
        resubmits: undefined,
      }));
    case 'lanes-set': {
      const { nextLane, openLanes } = fact;
      return changeProgress(state, fact.owner, (progress) => ({ ...progress, section: 'tasks', nextLane, openLanes }));
    }
    case 'labels-set':
      return changeHead(state, { labels: fact.labels });
    case 'execution-deleted':
      return changeHead(state, { deleted: true });
    case 'records-taken':
      for (const [id, record] of Object.entries(fact.records)) state.putRecord(id, record);
      return;
    case 'task-runs-removed':
      return removeRuns(state, fact.taskRunIds);
    default:
      return fact satisfies never;
  }
}

function removeRuns(state: ExecutionState, taskRunIds: readonly string[]): void {
  const waiting = taskRunIds.filter((id) => state.run(id)?.state === 'BREAKPOINT').length;
  if (waiting > 0) {
    const suspended = (state.head.suspended ?? 0) - waiting;
    changeHead(state, { suspended: suspended === 0 ? undefined : suspended });
  }
  removeTaskRuns(state, taskRunIds);
}

function setTimer(state: ExecutionState, name: string, at: number | undefined): void {
  const { [name]: _replaced, ...others } = state.head.timers ?? {};
  const timers = at === undefined ? others : { ...others, [name]: at };
  const dates = Object.values(timers);
  changeHead(state, dates.length > 0 ? { timers, dueAt: Math.min(...dates) } : { timers: undefined, dueAt: undefined });
}

/** A task run came to a breakpoint or left it: the execution is BREAKPOINT while one stands there. */
export function countSuspended(state: ExecutionState, from: State, to: State, at: number): void {
  const change = (to === 'BREAKPOINT' ? 1 : 0) - (from === 'BREAKPOINT' ? 1 : 0);
  if (change === 0) return;
  const suspended = (state.head.suspended ?? 0) + change;
  changeHead(state, { suspended: suspended === 0 ? undefined : suspended });
  const { state: current } = state.head;
  if (suspended > 0 && (current === 'RUNNING' || current === 'RETRYING')) {
    moveExecution(state, { to: 'BREAKPOINT', at });
  } else if (suspended === 0 && current === 'BREAKPOINT') moveExecution(state, { to: 'RUNNING', at });
}
