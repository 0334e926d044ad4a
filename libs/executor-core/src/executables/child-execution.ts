import { labelKeyFault, labelsOf, parseInstant } from '@millrace/flow';
import {
  derivedId,
  excerpt,
  isPlainObject,
  isTruthy,
  placedId,
  placementOf,
  type ExecutionTrigger,
  type ExecutionWanted,
  type Label,
  type PlainObject,
  type TaskRun,
} from '@millrace/model';
import type { Decision, TaskRunPlace } from '../decision.js';
import type { TaskPlan } from '../plan.js';

/** Properties of a task that starts executions which may be expressions. */
const RENDERED = ['namespace', 'flowId', 'revision', 'inputs', 'labels', 'inheritLabels', 'scheduleDate'] as const;

const expressions = new WeakMap<TaskPlan, PlainObject>();

/** What is rendered to start an execution; the same object for each call, so that it is analysed once. */
export function childExpressions(task: TaskPlan): PlainObject {
  let found = expressions.get(task);
  if (!found) {
    const { definition } = task;
    const names = [...RENDERED, 'runIf'].filter((name) => definition[name] !== undefined && definition[name] !== null);
    found = Object.fromEntries(names.map((name) => [name, definition[name]]));
    expressions.set(task, found);
  }
  return found;
}

/** Waits for the end of what it starts. */
export const isWaiting = (task: TaskPlan): boolean => task.definition['wait'] !== false;

/** The state of an execution that was started becomes the task run's own. */
export const transmitsFailed = (task: TaskPlan): boolean => task.definition['transmitFailed'] !== false;

/** A restart of the parent restarts what failed instead of starting it anew. */
export const restartsFailed = (task: TaskPlan): boolean => task.definition['restartBehavior'] !== 'NEW_EXECUTION';

/** The id that follows from the place of whoever wants it, so deciding twice gives the same (protocols.md part 4.1). */
export const childExecutionId = (placement: number, taskRunId: string, attempt: number, index?: number): string =>
  placedId(derivedId('child', taskRunId, attempt, index), placement);

/**
 * The id of an execution of a ForEachItem. It lies where its parent does: ids of items are not kept but made again, for a kill
 * or a restart, when new executions may be placed otherwise.
 */
export const itemExecutionId = (decision: Decision, taskRunId: string, attempt: number, index: number): string =>
  childExecutionId(placementOf(decision.view.head.executionId), taskRunId, attempt, index);

/** Which execution is wanted, and for which place. */
export interface WantedChild {
  readonly executionId: string;
  /** Of a ForEachItem. */
  readonly item?: { readonly index: number; readonly uri: string };
}

/**
 * The event that asks for an execution (spec executions.md §9).
 * @throws Error with a sentence when a rendered property is not what it must be
 */
export function wantedChild(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  rendered: PlainObject,
  { executionId, item }: WantedChild,
): ExecutionWanted {
  const { view } = decision;
  const { tenant, executionId: parentId, labels: own } = view.head;
  const inherits = isTruthy(rendered['inheritLabels'] ?? false);
  const revision = wholeOf('revision', rendered['revision']);
  const scheduleDate = dateOf(rendered['scheduleDate']);
  const outputs = task.definition['outputs'];
  const { executionKind, depth = 0 } = view.created;
  return {
    kind: 'execution-wanted',
    tenant,
    executionId,
    namespace: textOf('namespace', rendered['namespace']),
    flowId: textOf('flowId', rendered['flowId']),
    ...(revision === undefined ? {} : { flowRevision: revision }),
    given: mapOf('inputs', rendered['inputs']),
    labels: labelsFrom(rendered['labels']),
    inheritedLabels: own.filter(({ key }) => inherits || key.startsWith('system.')),
    trigger: triggerOf(decision, task, place, item?.index),
    parent: {
      executionId: parentId,
      taskRunId: place.id,
      ...(item === undefined ? {} : { index: item.index }),
      waits: isWaiting(task),
      ...(isPlainObject(outputs) && isWaiting(task) ? { outputs } : {}),
    },
    ...(executionKind === undefined ? {} : { executionKind }),
    ...(scheduleDate === undefined ? {} : { scheduleDate }),
    depth: depth + 1,
    at: decision.now,
  };
}

function triggerOf(
  decision: Decision,
  task: TaskPlan,
  place: TaskRunPlace,
  index: number | undefined,
): ExecutionTrigger {
  const { executionId, namespace, flowId, flowRevision } = decision.view.head;
  const outputs: TaskRun['outputs'] =
    place.parentId === undefined ? undefined : decision.view.run(place.parentId)?.outputs;
  const iteration = index ?? place.iteration;
  return {
    id: task.id,
    type: task.definition.type,
    variables: {
      executionId,
      namespace,
      flowId,
      flowRevision,
      taskRunId: place.id,
      taskId: task.id,
      ...(outputs === undefined ? {} : { taskRunOutputs: outputs }),
      ...(place.value === undefined ? {} : { taskRunValue: place.value }),
      ...(iteration === undefined ? {} : { taskRunIteration: iteration }),
    },
  };
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`Property '${name}' must be text, but is ${excerpt(value ?? null)}`);
}

function mapOf(name: string, value: unknown): PlainObject {
  if (value === undefined || value === null) return {};
  const map = typeof value === 'string' ? parsed(value) : value;
  if (isPlainObject(map)) return map;
  throw new Error(`Property '${name}' must be a map, but is ${excerpt(value)}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function wholeOf(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 1) return number;
  throw new Error(`Property '${name}' must be a whole number from 1 on, but is ${excerpt(value)}`);
}

function dateOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const instant = typeof value === 'string' ? parseInstant(value) : undefined;
  if (instant !== undefined) return instant;
  throw new Error(
    `Property 'scheduleDate' must be a date and time with zone such as 2026-01-31T08:30:00Z, but is ${excerpt(value)}`,
  );
}

/** A map, a list of `{key, value}`, or either as JSON. */
function labelsFrom(value: unknown): readonly Label[] {
  if (value === undefined || value === null) return [];
  const written = typeof value === 'string' ? parsed(value) : value;
  const isList =
    Array.isArray(written) && written.every((label) => isPlainObject(label) && typeof label['key'] === 'string');
  if (!isList && !isPlainObject(written)) {
    throw new Error(`Property 'labels' must be a map or a list of key and value, but is ${excerpt(value)}`);
  }
  const labels = labelsOf(written as Parameters<typeof labelsOf>[0]);
  for (const { key } of labels) {
    const fault = key === 'system.correlationId' ? undefined : labelKeyFault(key);
    if (fault !== undefined) throw new Error(fault);
  }
  return labels;
}
