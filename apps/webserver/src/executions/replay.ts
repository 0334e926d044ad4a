import { copyForReplay, inheritedLabels, planFlow, withLabel, type ExecutionCopy } from '@millrace/executor-core';
import {
  keyOf,
  outgoing,
  type Breakpoint,
  type ExecutionHead,
  type ExecutionOperation,
  type ExecutionRecord,
  type ExecutionRequested,
  type Flow,
  type PlainObject,
  type TaskRun,
} from '@millrace/model';
import type { ExecutionRecords } from '@millrace/repository';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { publishSent } from '../http/publish.js';
import type { Call } from '../http/route.js';
import type { RouteServices } from '../routes/services.js';
import { variablesBeforeStart } from './checks.js';
import { givenInputs } from './given-inputs.js';
import { CHECKS, execution, operate } from './operations.js';
import { publishSnapshot } from './snapshot.js';
import { inputEnvironment, newExecutionId, requestedExecution, resolvedInputs, TOO_LARGE } from './start.js';

/** How an execution is made from another one. */
export interface ReplayWish {
  /** It goes on from there; without it begins anew. */
  readonly taskRunId?: string;
  /** Another revision of the flow. */
  readonly revision?: number;
  readonly breakpoints?: readonly Breakpoint[];
  /** Inputs are read from the body of the request. */
  readonly withInputs?: boolean;
}

/**
 * The revision of the flow with which an execution made from `head` runs.
 * @throws HttpError 404 unknown revision, 409 deleted or disabled flow
 */
export async function flowFor(
  services: RouteServices,
  { scope }: Call,
  head: ExecutionHead,
  revision: number | undefined,
): Promise<Flow> {
  const { flows } = services.running();
  await flows.refresh();
  const { namespace, flowId } = head;
  const wanted = revision ?? head.flowRevision;
  const latest = flows.latest(scope, namespace, flowId, { deleted: true });
  const flow = latest?.revision === wanted ? latest : flows.revision(scope, namespace, flowId, wanted);
  if (!flow) throw notFound(`There is no flow '${namespace}.${flowId}' with revision ${wanted}`);
  if (latest?.deleted === true || latest?.definition.disabled === true) {
    throw new HttpError(
      409,
      `The flow '${namespace}.${flowId}' is ${latest.deleted ? 'deleted' : 'disabled'} and cannot be executed`,
    );
  }
  return flow;
}

/**
 * A new execution with the inputs of another one, from its beginning or from a task run; the source gets a label that
 * says so. Answers the new one.
 * @throws HttpError 404, 409, 413, 422
 */
export async function replayExecution(
  services: RouteServices,
  call: Call,
  source: ExecutionHead,
  wish: ReplayWish,
): Promise<ExecutionRecords> {
  const flow = await flowFor(services, call, source, wish.revision);
  const executionId = newExecutionId(services.starting);
  const inputs = wish.withInputs ? await inputsOf(services, call, flow, executionId) : undefined;
  const made =
    wish.taskRunId === undefined
      ? await replayFromStart(services, call, source, { flow, executionId, inputs, wish })
      : await replayFrom(services, call, source, wish.taskRunId, { flow, executionId, inputs, wish });
  await markReplayed(services, call, source);
  return made;
}

interface Making {
  readonly flow: Flow;
  readonly executionId: string;
  readonly inputs: PlainObject | undefined;
  readonly wish: ReplayWish;
}

async function inputsOf(
  { starting }: RouteServices,
  { request, scope }: Call,
  flow: Flow,
  executionId: string,
): Promise<PlainObject> {
  const { storage, clock } = starting;
  const given = await givenInputs({
    request,
    flow,
    inputs: flow.definition.inputs ?? [],
    executionId,
    scope,
    storage,
  });
  const environment = inputEnvironment(starting, clock.now(), executionId);
  return resolvedInputs(flow, given, environment, variablesBeforeStart(flow, executionId)).values;
}

async function replayFromStart(
  { repository, starting: { queue, topics, clock } }: RouteServices,
  { scope }: Call,
  { executionId: sourceId }: ExecutionHead,
  { flow, executionId, inputs, wish: { breakpoints } }: Making,
): Promise<ExecutionRecords> {
  const source = await repository.execution(scope, sourceId);
  if (!source?.created) throw notFound(`There is no execution '${sourceId}'`);
  const { created, head } = source;
  const value: ExecutionRequested = {
    kind: 'execution-requested',
    created: {
      kind: 'created',
      tenant: created.tenant,
      executionId,
      namespace: created.namespace,
      flowId: created.flowId,
      flowRevision: flow.revision,
      inputs: inputs ?? created.inputs,
      originalId: created.originalId,
      parentId: created.executionId,
      ...(created.trigger && { trigger: created.trigger }),
      ...(created.executionKind && { executionKind: created.executionKind }),
      ...(breakpoints && { breakpoints }),
    },
    variables: flow.definition.variables ?? {},
    labels: withLabel(inheritedLabels(head.labels), 'system.replay'),
    at: clock.now(),
  };
  const record = outgoing({ topic: topics.executionEvents, key: keyOf(created.tenant, executionId), value });
  await publishSent(queue, record, TOO_LARGE);
  return requestedExecution(value);
}

async function replayFrom(
  services: RouteServices,
  call: Call,
  source: ExecutionHead,
  taskRunId: string,
  { flow, executionId, inputs, wish: { breakpoints } }: Making,
): Promise<ExecutionRecords> {
  const copy = await copied(services, call, source, (records) => {
    const run = records.get(taskRunId);
    if (run?.kind !== 'task-run') throw notFound(`The execution has no task run '${taskRunId}'`);
    if (isBesideTasks(records, run)) {
      throw unprocessable(
        `'${run.taskId}' belongs to 'errors', 'finally' or 'afterExecution': replay from the task that they follow`,
      );
    }
    return copyForReplay(records, {
      kind: 'replay',
      executionId,
      at: services.starting.clock.now(),
      plan: planFlow(flow, services.taskTypes.catalog),
      ...(inputs && { inputs }),
      ...(breakpoints && { breakpoints }),
    });
  });
  const target = copy.idOf(taskRunId);
  if (target === undefined) {
    throw unprocessable(
      `Revision ${flow.revision} of the flow has the task of this task run in another place, or not at all: replay without it`,
    );
  }
  return begin(services, call, copy, { kind: 'replay', taskRunId: target });
}

function isBesideTasks(records: ReadonlyMap<string, ExecutionRecord>, run: TaskRun): boolean {
  if (run.section !== 'tasks') return true;
  const parent = run.parentId === undefined ? undefined : records.get(run.parentId);
  return parent?.kind === 'task-run' && isBesideTasks(records, parent);
}

/**
 * Restarts an execution with another revision of its flow: as a new one, which goes on where the source failed.
 * @throws HttpError 404, 409, 413
 */
export async function restartWithRevision(
  services: RouteServices,
  call: Call,
  source: ExecutionHead,
  revision: number,
): Promise<ExecutionRecords> {
  const refusal = CHECKS.restart(source);
  if (refusal !== undefined) throw new HttpError(409, refusal);
  const flow = await flowFor(services, call, source, revision);
  const copy = await copied(services, call, source, (records) =>
    copyForReplay(records, {
      kind: 'restart',
      executionId: newExecutionId(services.starting),
      at: services.starting.clock.now(),
      plan: planFlow(flow, services.taskTypes.catalog),
    }),
  );
  return begin(services, call, copy, { kind: 'restart' });
}

async function copied(
  { repository }: RouteServices,
  { scope }: Call,
  { executionId }: ExecutionHead,
  copy: (records: Parameters<typeof copyForReplay>[0]) => ExecutionCopy,
): Promise<ExecutionCopy> {
  const records = await repository.executionRecords(scope, executionId);
  if (!records) throw notFound(`There is no execution '${executionId}'`);
  return copy(records);
}

/** Publishes a copy and has it go on. One that cannot is not left behind. */
async function begin(
  services: RouteServices,
  call: Call,
  { records, head }: ExecutionCopy,
  operation: ExecutionOperation,
): Promise<ExecutionRecords> {
  await publishSnapshot(services, head, records);
  try {
    await operate(services, call, head, operation);
  } catch (error) {
    if (error instanceof HttpError && error.status < 500) await operate(services, call, head, { kind: 'delete' });
    throw error;
  }
  return execution(services, call.scope, head.executionId);
}

/** The label is for people; a replay that was made is not undone for it. */
async function markReplayed(services: RouteServices, call: Call, source: ExecutionHead): Promise<void> {
  try {
    const labels = [{ key: 'system.replayed', value: 'true' }];
    await operate(services, call, source, { kind: 'add-labels', labels });
  } catch (error) {
    const { executionId } = source;
    services.context.log.warn({ err: error, executionId }, 'An execution was replayed and could not be labelled so');
  }
}

/** The newest revision of the flow of an execution, for a replay that asks for it. */
export const latestRevision = (services: RouteServices, { scope }: Call, head: ExecutionHead): number | undefined =>
  services.running().flows.latest(scope, head.namespace, head.flowId)?.revision;
