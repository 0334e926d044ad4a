import { isPlainObject, SECRET_TEXT, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { isTemplate } from '../templates.js';
import { quoted } from '../words.js';

/** What is known of a flow that another one starts. */
export type FlowState = 'enabled' | 'disabled' | 'unknown';

/** Looks up flows of the same tenant. */
export type FindFlow = (namespace: string, flowId: string) => FlowState;

/** Types of tasks that start executions of the flow that they name. */
export const STARTS_FLOWS: ReadonlySet<string> = new Set(['core.flow.Subflow', 'core.flow.ForEachItem']);

/** What can run but is probably a mistake (spec flow.md §1). */
export function checkProbableMistakes(
  flow: PlainObject,
  tasks: readonly WrittenTask[],
  findFlow: FindFlow | undefined,
  report: Report,
): void {
  for (const task of tasks) {
    if (findFlow !== undefined) checkTarget(task, findFlow, report);
    if (task.description !== undefined) checkClearText(task.description.schema, task.value, task.path, report);
  }
  checkSecretDefaults(flow['inputs'], report);
}

/** Only ids that are written out can be looked up. */
function checkTarget({ value, path, description }: WrittenTask, findFlow: FindFlow, report: Report): void {
  if (description === undefined || !STARTS_FLOWS.has(description.type)) return;
  const { namespace, flowId } = value;
  if (typeof namespace !== 'string' || typeof flowId !== 'string') return;
  if (isTemplate(namespace) || isTemplate(flowId)) return;
  const state = findFlow(namespace, flowId);
  if (state === 'enabled') return;
  const name = quoted(`${namespace}.${flowId}`);
  report.warning(
    [...path, 'flowId'],
    state === 'unknown'
      ? `There is no flow ${name} yet: create it before this task runs.`
      : `The flow ${name} is disabled, so this task would fail: enable it.`,
  );
}

function checkSecretDefaults(inputs: unknown, report: Report): void {
  if (!Array.isArray(inputs)) return;
  inputs.forEach((input: unknown, index) => {
    if (!isPlainObject(input) || input['type'] !== 'SECRET' || !isClearText(input['defaults'])) return;
    report.warning(['inputs', index, 'defaults'], clearText('The default of this SECRET input'));
  });
}

const isClearText = (value: unknown): boolean => typeof value === 'string' && value !== '' && !isTemplate(value);

const clearText = (what: string): string =>
  `${what} is written in clear text, readable for everybody who sees the flow: use an expression such as {{ secret('KEY') }}.`;

/** Properties whose schema says that they hold a secret, on the task and in maps inside it. */
function checkClearText(schema: unknown, value: unknown, path: Path, report: Report): void {
  if (!isPlainObject(schema) || !holdsSecrets(schema) || !isPlainObject(value)) return;
  const { properties } = schema;
  if (!isPlainObject(properties)) return;
  for (const [name, property] of Object.entries(properties)) {
    if (!Object.hasOwn(value, name) || !isPlainObject(property)) continue;
    if (property[SECRET_TEXT] === true && isClearText(value[name])) {
      report.warning([...path, name], clearText(`'${name}'`));
    }
    checkClearText(property, value[name], [...path, name], report);
  }
}

const known = new WeakMap<object, boolean>();

function holdsSecrets(schema: PlainObject): boolean {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const { properties } = schema;
  const inside = isPlainObject(properties) ? Object.values(properties) : [];
  const holds =
    schema[SECRET_TEXT] === true || inside.some((property) => isPlainObject(property) && holdsSecrets(property));
  known.set(schema, holds);
  return holds;
}
