import type { ExecutionRecord, Flow, Job, TaskRun } from '@millrace/model';
import {
  decide,
  DEFAULT_LIMITS,
  evolve,
  ExecutionState,
  type Effect,
  type FlowPlan,
  type InlineTask,
  type Input,
  type Records,
} from '@millrace/executor-core';
import { childrenNews, outcomeOf } from './outcomes.js';

/** What an execution comes to in a world without faults: one worker, no losses, nothing at the same time. */
export interface UndisturbedRun {
  readonly state: string;
  readonly runs: readonly TaskRun[];
  /** Jobs that a worker ran. */
  readonly jobs: number;
}

/** Tasks that the simulated executors decide themselves. */
export const SIMULATED_INLINE: Readonly<Record<string, InlineTask>> = {
  'core.log.Log': () => ({}),
  'core.execution.Fail': () => ({ error: 'It fails, as it was told to' }),
};

type Step = Input | { readonly kind: 'wake' };

/** Runs one execution to its end, answering each job when it comes; undefined when it has more task runs than allowed. */
export function runUndisturbed(
  seed: number,
  flow: Flow,
  plan: FlowPlan,
  taskRunsMax: number,
): UndisturbedRun | undefined {
  const map = new Map<string, ExecutionRecord>();
  const state = new ExecutionState(recordsOf(map));
  const jobs: Job[] = [];
  let now = 1;
  let taken = 0;

  function carryOut(effect: Effect): void {
    if (effect.kind === 'submit-job') jobs.push(effect.job);
    if (effect.kind !== 'cancel-job') return;
    const at = jobs.findIndex(({ tenant, taskRunId, attempt }) => `${tenant}/${taskRunId}/${attempt}` === effect.key);
    if (at >= 0) jobs.splice(at, 1);
  }
  function send(event: Step): void {
    const stack: Step[] = [event];
    for (let input = stack.pop(); input !== undefined; input = stack.pop()) {
      const outcome = decide(state, input, {
        now,
        flow: plan,
        inlineTask: (type) => SIMULATED_INLINE[type],
        serverVariables: {},
        timeZone: 'UTC',
        isLost: () => false,
        limits: DEFAULT_LIMITS,
      });
      for (const fact of outcome.facts) evolve(state, fact);
      for (const effect of outcome.effects) carryOut(effect);
      stack.push(...[...outcome.next].reverse());
    }
  }

  send(requestOf(flow));
  for (;;) {
    if (state.head.sequence > taskRunsMax) return undefined;
    const job = jobs.shift();
    if (job !== undefined) {
      const { tenant, executionId, taskRunId, attempt } = job;
      const claim = { tenant, executionId, taskRunId, attempt, token: `token-${++taken}`, instance: 'worker', at: now };
      send({ kind: 'job-claimed', ...claim });
      for (const child of childrenNews(seed, job)) send({ kind: 'job-progressed', ...claim, child });
      send({ kind: 'job-ended', ...claim, outcome: outcomeOf(seed, job, '') });
    } else if (state.dueAt !== undefined) {
      now = Math.max(now, state.dueAt);
      send({ kind: 'wake' });
    } else break;
  }
  const runs = [...map.values()].filter((record): record is TaskRun => record.kind === 'task-run');
  return { state: state.head.state, runs, jobs: taken };
}

function requestOf({ tenant, namespace, id: flowId, revision: flowRevision }: Flow): Input {
  const executionId = 'undisturbed';
  const reference = { tenant, executionId, namespace, flowId, flowRevision };
  return {
    kind: 'execution-requested',
    created: { kind: 'created', ...reference, inputs: {}, originalId: executionId },
    variables: {},
    labels: [],
    at: 0,
  };
}

function recordsOf(map: Map<string, ExecutionRecord>): Records {
  let listener: Parameters<Records['onChange']>[0] = () => undefined;
  return {
    get: (id) => map.get(id),
    put(id, record) {
      const before = map.get(id);
      map.set(id, record);
      listener(id, before, record);
    },
    remove(id) {
      const before = map.get(id);
      map.delete(id);
      listener(id, before, undefined);
    },
    entries: () => map.entries(),
    onChange: (heard) => void (listener = heard),
  };
}
