import { DAG_PAGE, LOOP_VALUES_PAGE, NO_PROGRESS } from '@millrace/model';
import { changeProgress, changeRun, existing } from './changing.js';
import { evolveExecution } from './evolve-execution.js';
import type { ExecutionFact, Fact, OwnerFact } from './facts.js';
import type { ExecutionState } from './state.js';

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** The part of `evolve` for the lists of owners; what is of the execution as a whole goes on to its own part. */
export function evolveOwner(state: ExecutionState, fact: OwnerFact | ExecutionFact): void {
  switch (fact.kind) {
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
    case 'pause-limited':
      return changeRun(state, fact.taskRunId, () => ({ dueAt: fact.dueAt, onExpiry: fact.becomes }));
    case 'lanes-added':
      return changeRun(state, fact.taskRunId, (run) => ({ lanes: (run.lanes ?? 0) + fact.count }));
    case 'dag-advanced':
      return advanceDag(state, fact);
    case 'task-run-end-decided':
      return changeRun(state, fact.taskRunId, () => ({ endsAs: fact.state }));
    case 'round-counted':
      return changeRun(state, fact.taskRunId, (run) => ({
        outputs: { ...run.outputs, iterationCount: fact.iterationCount },
        evaluated: undefined,
      }));
    default:
      return evolveExecution(state, fact);
  }
}

function advanceDag(state: ExecutionState, { taskRunId, dependents, ready }: FactOf<'dag-advanced'>): void {
  const pages = new Map<number, { ended: number[]; order: number[] }>();
  const pageOf = (index: number): { ended: number[]; order: number[] } => {
    const number = Math.floor(index / DAG_PAGE);
    let page = pages.get(number);
    if (!page) {
      const { ended, order } = state.dagPage(taskRunId, number);
      pages.set(number, (page = { ended: [...ended], order: [...order] }));
    }
    return page;
  };
  for (const task of dependents) {
    const { ended } = pageOf(task);
    for (let place = ended.length; place <= task % DAG_PAGE; place++) ended.push(0);
    ended[task % DAG_PAGE] = (ended[task % DAG_PAGE] ?? 0) + 1;
  }
  const { lanes = 0 } = existing(state, taskRunId);
  for (const [index, task] of ready.entries()) pageOf(lanes + index).order.push(task);
  for (const [page, { ended, order }] of pages) state.putDagPage({ kind: 'dag', taskRunId, page, ended, order });
  if (ready.length > 0) changeRun(state, taskRunId, () => ({ lanes: lanes + ready.length }));
}

function putLoopValues(state: ExecutionState, { taskRunId, values }: FactOf<'loop-values-set'>): void {
  for (let page = 0; page * LOOP_VALUES_PAGE < values.length; page++) {
    const from = page * LOOP_VALUES_PAGE;
    state.putLoopValues({ kind: 'values', taskRunId, page, values: values.slice(from, from + LOOP_VALUES_PAGE) });
  }
}
