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

const ID = 'undisturbed';

interface Living {
  readonly map: Map<string, ExecutionRecord>;
  readonly state: ExecutionState;
}

/**
 * Runs one execution to its end, and those that it starts, answering each job when it comes; undefined when there are more
 * task runs than allowed. `plans`: by the id of the flow.
 */
export function runUndisturbed(
  seed: number,
  flow: Flow,
  plans: ReadonlyMap<string, FlowPlan>,
  taskRunsMax: number,
): UndisturbedRun | undefined {
  const world = new UndisturbedWorld(seed, plans);
  world.send(ID, requestOf(flow));
  while (world.goOn()) if (world.taskRuns > taskRunsMax) return undefined;
  const { map, state } = world.living(ID);
  const runs = [...map.values()].filter((record): record is TaskRun => record.kind === 'task-run');
  return { state: state.head.state, runs, jobs: world.taken };
}

class UndisturbedWorld {
  taken = 0;
  readonly #executions = new Map<string, Living>();
  readonly #jobs: Job[] = [];
  #now = 1;

  constructor(
    readonly seed: number,
    readonly plans: ReadonlyMap<string, FlowPlan>,
  ) {}

  living(executionId: string): Living {
    const known = this.#executions.get(executionId);
    if (known !== undefined) return known;
    const map = new Map<string, ExecutionRecord>();
    const living = { map, state: new ExecutionState(recordsOf(map)) };
    this.#executions.set(executionId, living);
    return living;
  }

  get taskRuns(): number {
    let count = 0;
    for (const { state } of this.#executions.values()) count += state.exists ? state.head.sequence : 0;
    return count;
  }

  /** Answers a job, or lets time pass; false when nothing is left to do. */
  goOn(): boolean {
    const job = this.#jobs.shift();
    if (job !== undefined) {
      const { tenant, executionId, taskRunId, attempt } = job;
      const token = `token-${++this.taken}`;
      const claim = { tenant, executionId, taskRunId, attempt, token, instance: 'worker', at: this.#now };
      this.send(executionId, { kind: 'job-claimed', ...claim });
      for (const child of childrenNews(this.seed, job)) {
        this.send(executionId, { kind: 'job-progressed', ...claim, child });
      }
      this.send(executionId, { kind: 'job-ended', ...claim, outcome: outcomeOf(this.seed, job, '') });
      return true;
    }
    let next: readonly [string, number] | undefined;
    for (const [id, { state }] of this.#executions) {
      if (state.dueAt !== undefined && (next === undefined || state.dueAt < next[1])) next = [id, state.dueAt];
    }
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next[1]);
    this.send(next[0], { kind: 'wake' });
    return true;
  }

  send(executionId: string, event: Step): void {
    const mail: (readonly [string, Step])[] = [[executionId, event]];
    for (let next = mail.shift(); next !== undefined; next = mail.shift()) {
      for (const effect of this.#decide(...next)) {
        if (effect.kind === 'send-event') mail.push([effect.event.executionId, effect.event]);
        else this.#carryOut(effect);
      }
    }
  }

  #decide(executionId: string, event: Step): readonly Effect[] {
    const { state } = this.living(executionId);
    const effects: Effect[] = [];
    const stack: Step[] = [event];
    for (let input = stack.pop(); input !== undefined; input = stack.pop()) {
      const flowId = state.exists ? state.head.flowId : flowOf(input);
      const outcome = decide(state, input, {
        now: this.#now,
        flow: this.plans.get(flowId ?? ''),
        inlineTask: (type) => SIMULATED_INLINE[type],
        serverVariables: {},
        timeZone: 'UTC',
        isLost: () => false,
        limits: DEFAULT_LIMITS,
      });
      for (const fact of outcome.facts) evolve(state, fact);
      effects.push(...outcome.effects);
      stack.push(...[...outcome.next].reverse());
    }
    return effects;
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'submit-job') this.#jobs.push(effect.job);
    if (effect.kind !== 'cancel-job') return;
    const at = this.#jobs.findIndex((job) => `${job.tenant}/${job.taskRunId}/${job.attempt}` === effect.key);
    if (at >= 0) this.#jobs.splice(at, 1);
  }
}

function flowOf(input: Step): string | undefined {
  if (input.kind === 'execution-requested') return input.created.flowId;
  return input.kind === 'execution-wanted' ? input.flowId : undefined;
}

function requestOf({ tenant, namespace, id: flowId, revision: flowRevision }: Flow): Input {
  const executionId = ID;
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
