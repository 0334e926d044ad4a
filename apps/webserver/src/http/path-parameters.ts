import { EXECUTION_ID_PATTERN, FLOW_ID_PATTERN, ID_PATTERN, NAMESPACE_PATTERN, TENANT_PATTERN } from '@millrace/model';
import { HttpError, notFound } from './errors.js';

/** What each parameter of a path may look like; anything else cannot exist. */
const PATTERNS: Readonly<
  Record<string, { readonly pattern: RegExp; readonly lengthMax: number; readonly what: string }>
> = {
  namespace: { pattern: new RegExp(NAMESPACE_PATTERN), lengthMax: 150, what: 'namespace' },
  flowId: { pattern: new RegExp(FLOW_ID_PATTERN), lengthMax: 100, what: 'flow id' },
  taskId: { pattern: new RegExp(ID_PATTERN), lengthMax: 256, what: 'task id' },
  triggerId: { pattern: new RegExp(ID_PATTERN), lengthMax: 256, what: 'trigger id' },
  key: { pattern: /^[^\u0000-\u001f]+$/, lengthMax: 256, what: 'webhook' },
  path: { pattern: /^/, lengthMax: 2_000, what: 'path' },
  executionId: { pattern: new RegExp(EXECUTION_ID_PATTERN), lengthMax: 66, what: 'execution id' },
  templateId: { pattern: new RegExp(FLOW_ID_PATTERN), lengthMax: 100, what: 'template id' },
  // What a key may be is told by the refusal of one that is none.
  keyName: { pattern: /^[^\p{Cc}]+$/u, lengthMax: 1_000, what: 'key' },
  metric: { pattern: /^[^\p{Cc}]+$/u, lengthMax: 256, what: 'metric' },
  taskRunId: { pattern: /^[0-9A-Za-z]+$/, lengthMax: 64, what: 'task run id' },
  workerGroup: { pattern: /^[0-9A-Za-z]+$/, lengthMax: 64, what: 'worker group' },
  tenantId: { pattern: new RegExp(TENANT_PATTERN), lengthMax: 63, what: 'tenant' },
  instance: { pattern: /^[0-9A-Za-z]+$/, lengthMax: 64, what: 'server' },
  letter: { pattern: /^\d{1,6}-\d{1,15}$/, lengthMax: 24, what: 'dead letter' },
  type: { pattern: /^[A-Za-z0-9][\w.-]*$/, lengthMax: 256, what: 'type' },
};

export const isPathParameter = (name: string): boolean => Object.hasOwn(PATTERNS, name);

/** True for a value that can be one of its kind. */
export function fitsPathParameter(name: string, value: string): boolean {
  const rule = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined;
  return rule !== undefined && value.length <= rule.lengthMax && rule.pattern.test(value);
}

/** @throws HttpError 404 when a value cannot be one of its kind */
export function checkPathParameter(name: string, value: string | undefined): string {
  const rule = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined;
  if (!rule) throw new HttpError(500, `The path parameter '${name}' has no pattern`);
  if (value === undefined || !fitsPathParameter(name, value)) throw notFound(`No such ${rule.what}`);
  return value;
}
