import {
  isPlainObject,
  nearestName,
  shortType,
  taskSchema,
  type PlainObject,
  type PluginDefault,
  type TaskTypeCatalog,
} from '@millrace/model';
import { pathText, type Path } from '../fault.js';
import { withDefaults } from '../plugin-defaults.js';
import type { Report } from '../report.js';
import type { SchemaCheck } from '../schema/compile.js';
import { reportSchemaErrors } from '../schema/faults.js';
import { childSlots } from '../schema/task-slots.js';
import type { WrittenTask } from '../task-tree.js';
import { quoted } from '../words.js';
import { STARTS_FLOWS } from './warnings.js';

/** What checking tasks needs of its surroundings. */
export interface TaskCheckContext {
  readonly catalog: TaskTypeCatalog;
  /** The check of a schema, compiled once. */
  readonly checkOf: (schema: object) => SchemaCheck;
  readonly pluginDefaults: readonly (readonly PluginDefault[])[];
  readonly report: Report;
}

/** Of a task whose type is missing or unknown only the common properties can be checked. */
export const COMMON_SCHEMA: object = { ...taskSchema({}, 'A task of an unknown type.'), additionalProperties: true };

/** Each task against the schema of its type. */
export function checkTask(task: WrittenTask, context: TaskCheckContext): void {
  const { description, path } = task;
  const { report } = context;
  const { id, type } = task.value;
  const subject = {
    path,
    name: typeof id === 'string' && id !== '' ? `the task ${quoted(id)}` : 'this task',
    kind: 'a task',
  };
  if (description === undefined) {
    reportSchemaErrors(context.checkOf(COMMON_SCHEMA)(task.value), task.value, subject, report);
    if (typeof type === 'string') unknownType(type, [...path, 'type'], context.catalog, report);
    return;
  }
  const effective = withDefaults(withoutChildren(task), context.pluginDefaults, context.catalog);
  const errors = context.checkOf(description.schema)(effective);
  reportSchemaErrors(errors, effective, { ...subject, kind: description.type, written: task.value }, report);
  if (typeof type === 'string' && shortType(type) !== description.type) {
    report.info([...path, 'type'], `The type ${quoted(type)} is an old name: write ${description.type}.`, {
      suggestion: description.type,
    });
  }
  if (description.deprecated === true) report.deprecated([...path, 'type']);
  deprecatedProperties(description.schema, task.value, path, report);
}

/** Children are checked by themselves; here only that they are there and are maps. */
function withoutChildren(task: WrittenTask): PlainObject {
  if (task.description === undefined) return task.value;
  const slots = childSlots(task.description.schema, task.value);
  if (slots.length === 0) return task.value;
  const copy: Record<string, unknown> = { ...task.value };
  for (const property of new Set(slots.map((slot) => slot.path[0]))) {
    if (typeof property === 'string') copy[property] = hollow(copy[property], new Set(slots.map((slot) => slot.value)));
  }
  return copy;
}

function hollow(value: unknown, tasks: ReadonlySet<unknown>): unknown {
  if (tasks.has(value)) return isPlainObject(value) ? {} : value;
  if (Array.isArray(value)) return value.map((item: unknown) => hollow(item, tasks));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, hollow(member, tasks)]));
}

/** Properties whose schema says that they are deprecated, on the value itself and in maps and lists below. */
export function deprecatedProperties(schema: unknown, value: unknown, path: Path, report: Report): void {
  if (!isPlainObject(schema)) return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => deprecatedProperties(schema['items'], item, [...path, index], report));
    return;
  }
  const properties = schema['properties'];
  if (!isPlainObject(value) || !isPlainObject(properties)) return;
  for (const [name, property] of Object.entries(properties)) {
    if (!Object.hasOwn(value, name) || !isPlainObject(property)) continue;
    if (property['deprecated'] === true) report.deprecated([...path, name]);
    deprecatedProperties(property, value[name], [...path, name], report);
  }
}

function unknownType(type: string, path: Path, catalog: TaskTypeCatalog, report: Report): void {
  if (type === '') return report.fault(path, 'The type of this task is empty: write one such as core.log.Log.');
  const near = nearTypes(shortType(type), catalog.types);
  const advice =
    near.length === 0
      ? 'check its spelling, or install the plugin that brings it.'
      : `did you mean ${near.join(' or ')}?`;
  report.fault(path, `The task type ${quoted(type)} is not known: ${advice}`, { suggestion: near[0] });
}

const SUGGESTIONS_MAX = 3;

/** Types that are spelled alike, or that end with the same class name. */
function nearTypes(type: string, types: readonly string[]): readonly string[] {
  const lastName = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const sameName = types.filter((known) => lastName(known) === lastName(type));
  const spelled = nearestName(type, types);
  const nearName = nearestName(lastName(type), types.map(lastName));
  const alike = types.filter((known) => nearName !== undefined && lastName(known) === nearName);
  const best = sameName.length > 0 ? sameName : spelled !== undefined ? [spelled] : alike;
  return [...new Set(spelled !== undefined && best.includes(spelled) ? [spelled, ...best] : best)].slice(
    0,
    SUGGESTIONS_MAX,
  );
}

/** All tasks of a flow share one space of names. */
export function checkTaskIds(tasks: readonly WrittenTask[], report: Report): void {
  const first = new Map<string, Path>();
  for (const { value, path } of tasks) {
    const { id } = value;
    if (typeof id !== 'string') continue;
    const before = first.get(id);
    if (before === undefined) first.set(id, path);
    else reportDuplicate('task', id, before, [...path, 'id'], report);
  }
}

/** Two things of one name, both places named. */
export function reportDuplicate(what: string, id: string, first: Path, second: Path, report: Report): void {
  const { line } = report.positionOf(first);
  report.fault(
    second,
    `The ${what} id ${quoted(id)} is already used on line ${line} (${pathText(first)}): choose another id for one of the two.`,
  );
}

/** A task that starts its own flow would never end. */
export function checkRecursion(flow: PlainObject, tasks: readonly WrittenTask[], report: Report): void {
  for (const { value, path, description } of tasks) {
    const type = description?.type ?? (typeof value['type'] === 'string' ? shortType(value['type']) : '');
    if (!STARTS_FLOWS.has(type)) continue;
    if (value['namespace'] !== flow['namespace'] || value['flowId'] !== flow['id']) continue;
    report.fault(
      [...path, 'flowId'],
      `This task starts the flow that it is part of, which would never end: name another flow.`,
    );
  }
}

const NEEDS_CASES = 'core.flow.Switch';
const FOR_RUNNABLE_TASKS = ['timeout', 'taskCache', 'workerGroup'];

/** Relations between properties of one task. */
export function checkTaskRelations({ value, path, description }: WrittenTask, report: Report): void {
  if (description?.type === NEEDS_CASES && value['cases'] === undefined && value['defaults'] === undefined) {
    report.fault(
      path,
      "This Switch has neither 'cases' nor 'defaults', so it could never run anything: add one of them.",
    );
  }
  if (value['assets'] !== undefined) {
    report.fault(
      [...path, 'assets'],
      "'assets' belong to the commercial edition of the reference product and mean nothing here: remove them.",
      { part: 'name' },
    );
  }
  if (description?.type === 'core.flow.Pause') checkPause(value, path, report);
  if (description === undefined || description.kind === 'runnable') return;
  for (const property of FOR_RUNNABLE_TASKS) {
    // A WorkingDirectory is a job of a worker, and a Pause ends by itself.
    const hasEffect =
      (['core.flow.Pause', 'core.flow.WorkingDirectory'].includes(description.type) && property === 'timeout') ||
      (description.type === 'core.flow.WorkingDirectory' && property === 'workerGroup');
    if (value[property] === undefined || hasEffect) continue;
    const why =
      description.kind === 'flowable'
        ? 'which only holds other tasks: set it on the tasks inside'
        : 'which no worker runs: remove it';
    report.warning([...path, property], `'${property}' has no effect on ${description.type}, ${why}.`, {
      part: 'name',
    });
  }
}

/** A Pause: old and new names, and a task that a worker can run while it waits. */
function checkPause(value: PlainObject, path: Path, report: Report): void {
  if (value['pauseDuration'] !== undefined && value['delay'] !== undefined) {
    report.fault([...path, 'delay'], "'delay' is the old name of 'pauseDuration', and both are set: remove 'delay'.", {
      part: 'name',
    });
  }
  if (value['behavior'] !== undefined && value['pauseDuration'] === undefined && value['delay'] === undefined) {
    report.warning([...path, 'behavior'], "'behavior' has no effect without 'pauseDuration': add it, or remove this.", {
      part: 'name',
    });
  }
}
