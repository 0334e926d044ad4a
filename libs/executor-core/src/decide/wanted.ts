import { failedChecks, labelsOf, nestLabels, resolveInputs, strongestBehavior, type FailedCheck } from '@millrace/flow';
import {
  excerpt,
  seededRandom,
  type ExecutionCreated,
  type ExecutionWanted,
  type Label,
  type LogEntry,
  type PlainObject,
} from '@millrace/model';
import type { ExecutionContext } from '../context.js';
import { sentence } from '../decision.js';
import { Outcome } from '../outcome.js';
import type { FlowPlan } from '../plan.js';
import { EXPRESSION_LIMITS } from '../rendering.js';
import { beginExecution } from '../operations/timers.js';
import type { ExecutionView } from '../state.js';
import { childEnded } from './fully-ended.js';

/** The format in which the cluster writes now, for the fact that an execution exists. */
export const formatOf = ({ format }: Pick<ExecutionContext, 'format'>): { readonly format?: number } =>
  format === undefined ? {} : { format };

/** Executions that start each other, one after the other. */
export const DEPTH_MAX = 100;
const CORRELATION = 'system.correlationId';
const FROM = 'system.from';

/**
 * Another execution or a trigger wants an execution: its inputs are resolved here, with the flow that its owner looked up.
 * What is refused is told to the task run that wants it; without one it becomes a FAILED execution.
 */
export function wanted(view: ExecutionView, event: ExecutionWanted, context: ExecutionContext): Outcome {
  const outcome = new Outcome();
  if (view.exists) return outcome;
  const plan = context.flow;
  const reason = event.failure ?? refusalOf(event, plan);
  if (reason !== undefined || !plan) return refused(event, plan, reason ?? '', context);
  const resolved = inputsOf(event, plan, context);
  if ('refusal' in resolved) return refused(event, plan, resolved.refusal, context);
  const created = createdFrom(event, plan.revision, resolved.inputs);
  outcome.fact({
    kind: 'execution-created',
    created,
    variables: plan.variables,
    labels: labelsFor(event, plan),
    ...formatOf(context),
    at: context.now,
  });
  if (resolved.ignored.length > 0) outcome.effect(ignoredInputs(event, resolved.ignored, context.now));
  const { parent, tenant, executionId } = event;
  if (parent && !parent.waits) {
    const ended = childEnded(parent, tenant, executionId, context.now);
    outcome.effect({ kind: 'send-event', event: { ...ended, state: 'CREATED' } });
  }
  if (resolved.failure === undefined) beginExecution(outcome, created, context);
  else fail(outcome, event, resolved.failure, context.now);
  return outcome;
}

function refusalOf({ namespace, flowId, flowRevision, depth }: ExecutionWanted, plan: FlowPlan | undefined) {
  const name = excerpt(`${namespace}.${flowId}`, 300);
  if (depth > DEPTH_MAX) {
    return `The flow '${name}' is not started: ${DEPTH_MAX} executions have started each other already, one after the other. Flows that start each other need an end.`;
  }
  if (!plan) {
    return flowRevision === undefined
      ? `There is no flow '${name}'`
      : `There is no revision ${flowRevision} of the flow '${name}'`;
  }
  if (plan.deleted) return `The flow '${name}' is deleted and cannot be executed`;
  if (plan.definition.disabled === true) return `The flow '${name}' is disabled and cannot be executed`;
  return undefined;
}

type Inputs =
  | {
      readonly inputs: PlainObject;
      readonly ignored: readonly string[];
      /** A check wants the execution to exist, and to be FAILED. */
      readonly failure?: string;
    }
  | { readonly refusal: string };

function inputsOf(event: ExecutionWanted, plan: FlowPlan, context: ExecutionContext): Inputs {
  const { executionId, given, trigger } = event;
  const environment = {
    now: context.now,
    random: seededRandom(executionId),
    timeZone: context.timeZone,
    limits: EXPRESSION_LIMITS,
    ...(context.encryptionKey !== undefined && { encryption: { key: context.encryptionKey, place: executionId } }),
    ...(context.recursiveRendering === true && { recursive: true }),
  };
  const seen = {
    ...context.serverVariables,
    vars: plan.variables,
    labels: nestLabels(labelsOf(plan.definition.labels)),
    flow: { id: plan.flowId, namespace: plan.namespace, revision: plan.revision, tenantId: plan.tenant },
    execution: { id: executionId },
    trigger: trigger.variables,
  };
  try {
    const result = resolveInputs(plan.definition, given, environment, seen);
    if ('values' in result) {
      const { values: inputs, readable, ignored } = result;
      const failed = failedChecks(plan.definition, { ...seen, inputs: readable ?? inputs }, environment);
      return { inputs, ignored, ...afterChecks(failed) };
    }
    return { refusal: `The inputs are not valid: ${result.faults.map(({ message }) => message).join(' ')}` };
  } catch (error) {
    return { refusal: `The inputs cannot be resolved: ${sentence(error)}` };
  }
}

/** What checks that do not hold mean for the start (spec flow.md §8). */
function afterChecks(failed: readonly FailedCheck[]): { readonly failure?: string } | { readonly refusal: string } {
  const behavior = strongestBehavior(failed);
  if (behavior === undefined || behavior === 'CREATE_EXECUTION') return {};
  const messages = failed.filter((check) => check.behavior === behavior).map(({ message }) => message);
  const told = `A check of the flow does not hold: ${messages.join(' ')}`;
  return behavior === 'FAIL_EXECUTION' ? { failure: told } : { refusal: told };
}

function createdFrom(event: ExecutionWanted, flowRevision: number, inputs: PlainObject): ExecutionCreated {
  const { tenant, executionId, namespace, flowId, trigger, parent, executionKind, scheduleDate, depth } = event;
  return {
    kind: 'created',
    tenant,
    executionId,
    namespace,
    flowId,
    flowRevision,
    inputs,
    trigger,
    originalId: executionId,
    ...(executionKind === undefined ? {} : { executionKind }),
    ...(scheduleDate === undefined ? {} : { scheduleDate }),
    ...(parent === undefined ? {} : { parent }),
    depth,
  };
}

/** What is inherited loses against the flow's labels, what was asked for wins (spec flow.md §5, executions.md §9). */
function labelsFor({ inheritedLabels = [], labels, executionId, parent }: ExecutionWanted, plan?: FlowPlan): Label[] {
  const all = new Map<string, string>();
  const own = plan ? labelsOf(plan.definition.labels).filter(({ key }) => !key.startsWith('system.')) : [];
  for (const { key, value } of [...inheritedLabels, ...own, ...labels]) if (value !== '') all.set(key, value);
  if (!all.has(CORRELATION)) all.set(CORRELATION, executionId);
  if (!parent && !all.has(FROM)) all.set(FROM, 'trigger');
  return [...all].map(([key, value]) => ({ key, value }));
}

function refused(
  event: ExecutionWanted,
  plan: FlowPlan | undefined,
  reason: string,
  context: ExecutionContext,
): Outcome {
  const outcome = new Outcome();
  const { now } = context;
  if (event.parent) {
    const ended = childEnded(event.parent, event.tenant, event.executionId, now);
    outcome.effect({ kind: 'send-event', event: { ...ended, state: 'FAILED', refusal: excerpt(reason, 2_000) } });
    return outcome;
  }
  const revision = plan?.revision ?? event.flowRevision ?? 0;
  outcome.fact({
    kind: 'execution-created',
    created: createdFrom(event, revision, {}),
    variables: plan?.variables ?? {},
    labels: labelsFor(event, plan),
    ...formatOf(context),
    at: now,
  });
  fail(outcome, event, reason, now);
  return outcome;
}

/** An execution that was just created is FAILED before anything of it runs. */
function fail(outcome: Outcome, event: ExecutionWanted, reason: string, now: number): void {
  outcome.fact(
    { kind: 'failure-noted', message: reason },
    { kind: 'section-entered', owner: undefined, section: 'ended' },
    { kind: 'execution-moved', to: 'FAILED', at: now },
  );
  outcome.effect({ kind: 'write-log', entry: logEntry(event, 'ERROR', reason, now) });
}

function ignoredInputs(event: ExecutionWanted, names: readonly string[], now: number) {
  const shown = excerpt(names.map((name) => `'${name}'`).join(', '), 1_000);
  const message = `The flow does not declare the inputs ${shown}: they are left out`;
  return { kind: 'write-log', entry: logEntry(event, 'WARN', message, now) } as const;
}

const logEntry = (
  { tenant, namespace, flowId, executionId }: ExecutionWanted,
  level: LogEntry['level'],
  message: string,
  timestamp: number,
): LogEntry => ({
  tenant,
  namespace,
  flowId,
  executionId,
  timestamp,
  level,
  message,
  taskRunSequence: 0,
  lineNumber: 0,
});
