import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ExpressionError, renderString, renderTyped, variablesOf } from '@millrace/expression';
import { isPlainObject, type PlainObject } from '@millrace/model';
import type { ExecutionRecords } from '@millrace/repository';
import { definitionVariables, type FlowTriggers, type TriggerPlan } from '@millrace/schedule';
import type { Query } from '../http/query.js';

/**
 * The webhook of a flow with this key. Every key is compared, each in constant time, so that the time of an answer says
 * nothing about keys.
 */
export function webhookWith(key: string, of: FlowTriggers): TriggerPlan | undefined {
  const given = digest(key);
  let found: TriggerPlan | undefined;
  for (const plan of of.triggers.values()) {
    if (plan.kind !== 'webhook') continue;
    const own = keyOf(plan, of);
    const matches = timingSafeEqual(digest(own ?? ''), given);
    if (matches && own !== undefined && own !== '') found ??= plan;
  }
  return found;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The rendered key; undefined when it cannot be rendered, so that nothing matches it. */
function keyOf(plan: TriggerPlan, of: FlowTriggers): string | undefined {
  const written: unknown = plan.definition['key'];
  try {
    const environment = { now: of.flow.updated, random: () => 0, timeZone: of.surroundings.zone.name };
    return renderString(String(written), variablesOf(definitionVariables(of, plan, {})), environment);
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return undefined;
    throw thrown;
  }
}

/** What a browser or proxy sends for itself must not be kept with an execution. */
const NOT_KEPT = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** `trigger.body`, `trigger.headers` and `trigger.parameters` of the execution. */
export function callVariables(request: IncomingMessage, query: Query, body: string): PlainObject {
  const headers = Object.entries(request.headersDistinct).filter(([name]) => !NOT_KEPT.has(name));
  const parameters: Record<string, string[]> = {};
  for (const [name, value] of query.entries()) {
    if (!Object.hasOwn(parameters, name)) define(parameters, name, []);
    parameters[name]?.push(value);
  }
  return {
    ...(body === '' ? {} : { body: parsed(body) }),
    headers: Object.fromEntries(headers),
    parameters,
  };
}

/** As an own property even for `__proto__`. */
const define = (map: object, name: string, value: unknown): void =>
  void Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });

/** A map or list in JSON as such, all else as text. */
function parsed(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return isPlainObject(value) || Array.isArray(value) ? value : body;
  } catch {
    return body;
  }
}

/** The status of an answer that waited: `responseCode`, rendered with what the execution left behind, else by its end. */
export function responseStatus(plan: TriggerPlan, of: FlowTriggers, execution: ExecutionRecords): number {
  const usual = execution.head.state === 'FAILED' ? 500 : 200;
  const written: unknown = plan.definition['responseCode'];
  if (written === undefined || written === null) return usual;
  try {
    const environment = { now: of.flow.updated, random: () => 0, timeZone: of.surroundings.zone.name };
    const variables = {
      ...definitionVariables(of, plan, execution.created?.trigger?.variables ?? {}),
      ...endVariables(execution),
    };
    const code = Number(
      typeof written === 'string' ? renderTyped(written, variablesOf(variables), environment) : written,
    );
    return Number.isInteger(code) && code >= 200 && code <= 599 ? code : usual;
  } catch (thrown) {
    // It may name outputs that a failed execution does not have.
    if (thrown instanceof ExpressionError) return usual;
    throw thrown;
  }
}

function endVariables({ head, created, taskRuns }: ExecutionRecords): PlainObject {
  const outputs: Record<string, unknown> = {};
  for (const { taskId, outputs: own, value } of taskRuns) {
    if (own !== undefined && value === undefined) define(outputs, taskId, own);
  }
  return {
    outputs,
    inputs: created?.inputs ?? {},
    execution: { id: head.executionId, state: head.state, outputs: head.outputs ?? {} },
  };
}
