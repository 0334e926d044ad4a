import * as fc from 'fast-check';
import {
  derivedId,
  ENGINE_TASKS,
  isPlainObject,
  placedId,
  taskTypeCatalog,
  type Flow,
  type FlowSource,
  type PlainObject,
} from '@millrace/model';
import { planFlow, type FlowPlan } from '@millrace/executor-core';
import { LEAF, randomFlow, type RandomFlow } from '../random-flow.js';
import { CHILD, drawFamily } from './family.js';
import { drawGroups, withGroups, type PlannedGroups } from './groups.js';
import { secretExpression } from './outcomes.js';
import { drawRetention, type PlannedRetention } from './retention.js';
import { hashOf, seededRandom, type SeededRandom } from './random.js';
import { runUndisturbed, type UndisturbedRun } from './undisturbed.js';

export const TENANT = 'main';
export const NAMESPACE = 'simulation';
/** Task runs of one execution: enough for every kind of task, few enough for a thousand seeds. */
const TASK_RUNS_MAX = 40;
const FLOWS_DRAWN = 6;

export interface PlannedExecution {
  readonly id: string;
  readonly flow: Flow;
  readonly plan: FlowPlan;
  /** Milliseconds after the start of the simulation. */
  readonly startAfter: number;
  /** Milliseconds after the start; undefined when nobody kills it. */
  readonly killAfter: number | undefined;
  /** What it comes to when nothing disturbs it and nobody kills it. */
  readonly expected: UndisturbedRun;
}

/** All that one seed decides before the start; what it decides on the way is drawn by the nodes and the disturbance. */
export interface Scenario {
  readonly seed: number;
  readonly executors: number;
  readonly workers: number;
  readonly slots: number;
  readonly executionPartitions: number;
  readonly resourcePartitions: number;
  /** Half of the servers are of an older version at first. */
  readonly mixed: boolean;
  /** Partitions of a second placement, in which some executions lie; undefined: there is one. */
  readonly grownTo: number | undefined;
  /** Worker groups beside the default one; undefined: there are none. */
  readonly groups: PlannedGroups | undefined;
  /** Executions that have ended leave the queue; undefined: they stay. */
  readonly retention: PlannedRetention | undefined;
  /** How long faults strike. */
  readonly disturbedMs: number;
  readonly flows: readonly Flow[];
  /** By the id of the flow. */
  readonly plans: ReadonlyMap<string, FlowPlan>;
  /** Revisions that each flow is saved with, in all. */
  readonly revisions: number;
  readonly executions: readonly PlannedExecution[];
}

export function drawScenario(seed: number): Scenario {
  const random = seededRandom(seed, 'scenario');
  const disturbedMs = random.between(10_000, 30_000);
  const groups = drawGroups(seed, disturbedMs);
  const candidates = drawFlows(seed, random, groups !== undefined);
  const family = random.chance(0.6) ? drawRelated(seed, random) : [];
  const versions = seededRandom(seed, 'versions');
  const [mixed, isGrown] = [versions.chance(0.5), versions.chance(0.5)];
  const chosenFlows = [...candidates.slice(0, random.between(1, 3)), ...family];
  const executions = Array.from({ length: random.between(3, 8) + 2 * family.length }, (_, index): PlannedExecution => {
    const chosen = chosenFlows[index % chosenFlows.length] ?? candidates[0];
    if (chosen === undefined) throw new Error('No flow was drawn');
    const startAfter = random.between(0, disturbedMs / 2);
    // One that is killed while it waits for a slot meets the slot on its way.
    const soon = chosen.flow.id === CHILD && random.chance(0.5);
    const killAfter = soon || random.chance(0.2) ? startAfter + random.between(0, soon ? 50 : 15_000) : undefined;
    const id = isGrown && index % 2 === 1 ? placedId(derivedId('execution', seed, index), 1) : `execution-${index}`;
    return { id, ...chosen, startAfter, killAfter };
  });
  return {
    seed,
    executors: random.between(2, 3),
    workers: random.between(2, 3),
    slots: random.between(1, 4),
    executionPartitions: random.between(1, 4),
    resourcePartitions: random.between(1, 2),
    mixed,
    grownTo: isGrown ? versions.between(5, 8) : undefined,
    groups,
    retention: drawRetention(seed, executions.length),
    disturbedMs,
    flows: [...chosenFlows.map(({ flow }) => flow), LEAF_FLOW],
    plans: new Map([...chosenFlows.map(({ flow, plan }) => [flow.id, plan] as const), [LEAF, LEAF_PLAN]]),
    revisions: random.between(1, 4),
    executions,
  };
}

const CATALOG = taskTypeCatalog(ENGINE_TASKS);

type Candidate = Pick<PlannedExecution, 'flow' | 'plan' | 'expected'>;

/** Small enough random flows, and a plain one for seeds that drew none. */
function drawFlows(seed: number, random: SeededRandom, hasGroups: boolean): readonly Candidate[] {
  const drawn = fc.sample(randomFlow, { seed: hashOf(seed, 'flows') | 0, numRuns: FLOWS_DRAWN });
  const plain: RandomFlow = {
    tasks: [
      { id: 't1', type: 'core.flow.Sleep', duration: 'PT1S' },
      { id: 't2', type: 'core.flow.Sleep', duration: 'PT1S' },
    ],
  };
  const candidates: Candidate[] = [];
  for (const [index, written] of [...drawn, plain].entries()) {
    const id = `flow-${index}`;
    const secret = { ...written, tasks: written.tasks.map((task) => withSecrets(task, random)) };
    const flow = flowOf(id, hasGroups ? withGroups(seed, id, secret) : secret);
    const plan = planFlow(flow, CATALOG);
    const expected = runUndisturbed(
      seed,
      flow,
      new Map([
        [flow.id, plan],
        [LEAF, LEAF_PLAN],
      ]),
      TASK_RUNS_MAX,
    );
    if (expected !== undefined && expected.jobs > 0) candidates.push({ flow, plan, expected });
  }
  return candidates;
}

/** What random flows start. */
const LEAF_FLOW = flowOf(LEAF, { tasks: [{ id: 'leaf-work', type: 'core.flow.Sleep', duration: 'PT1S' }] });
const LEAF_PLAN = planFlow(LEAF_FLOW, CATALOG);

/** A flow that starts executions, and the flow of those. */
function drawRelated(seed: number, random: SeededRandom): readonly Candidate[] {
  const flows = Object.entries(drawFamily(random)).map(([id, written]) => flowOf(id, written));
  const plans = new Map(flows.map((flow) => [flow.id, planFlow(flow, CATALOG)]));
  return flows.flatMap((flow) => {
    const plan = plans.get(flow.id);
    const expected = runUndisturbed(seed, flow, plans, 10 * TASK_RUNS_MAX);
    return plan === undefined || expected === undefined ? [] : [{ flow, plan, expected }];
  });
}

function flowOf(id: string, lists: RandomFlow): Flow {
  return {
    tenant: TENANT,
    namespace: NAMESPACE,
    id,
    revision: 1,
    source: JSON.stringify(lists),
    definition: { id, namespace: NAMESPACE, ...lists } as unknown as FlowSource,
    deleted: false,
    updated: 0,
  };
}

/** Makes a worker evaluate some of the conditions, values and retries shorter, so that a run stays small. */
function withSecrets(task: PlainObject, random: SeededRandom): PlainObject {
  const changed: Record<string, unknown> = {};
  for (const [name, written] of Object.entries(task)) {
    if (Array.isArray(written) && written.every(isPlainObject)) {
      changed[name] = written.map((inner: PlainObject) => withSecrets(inner, random));
    } else if (name === 'condition' || (name === 'value' && typeof written === 'string')) {
      changed[name] = random.chance(0.3) ? secretExpression(String(written)) : written;
    } else if (name === 'values') {
      changed[name] = random.chance(0.3) ? secretExpression(JSON.stringify(written)) : written;
    } else if (name === 'retry' && isPlainObject(written) && written['interval'] === 'PT30S') {
      changed[name] = { ...written, interval: 'PT3S' };
    } else changed[name] = written;
  }
  return changed;
}
