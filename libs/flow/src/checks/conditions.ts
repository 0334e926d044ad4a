import {
  CONDITION_TYPES,
  findConditionType,
  isPlainObject,
  nearestName,
  shortType,
  type ConditionTypeDescription,
  type PlainObject,
} from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { SchemaCheck } from '../schema/compile.js';
import { reportSchemaErrors } from '../schema/faults.js';
import { isTemplate } from '../templates.js';
import { quoted } from '../words.js';
import { deprecatedProperties } from './tasks.js';
import { checkTimeWindow } from './time-window.js';

/** What checking conditions needs of its surroundings. */
export interface ConditionCheckContext {
  /** The check of a schema, compiled once. */
  readonly checkOf: (schema: object) => SchemaCheck;
  readonly report: Report;
  /** False where a window of time makes no sense. */
  readonly allowsMultiple: boolean;
}

/** Conditions in each other; more would only be a mistake, or an attack. */
const DEPTH_MAX = 20;
const TYPES = CONDITION_TYPES.map(({ type }) => type);

/** Each condition of a list, or of a map by name, against the schema of its type; those inside too. */
export function checkConditions(conditions: unknown, path: Path, context: ConditionCheckContext, depth = 0): void {
  const members: readonly (readonly [string | number, unknown])[] = Array.isArray(conditions)
    ? conditions.map((condition: unknown, index) => [index, condition] as const)
    : isPlainObject(conditions)
      ? Object.entries(conditions)
      : [];
  for (const [step, condition] of members) {
    if (isPlainObject(condition)) checkCondition(condition, [...path, step], context, depth);
  }
}

function checkCondition(condition: PlainObject, path: Path, context: ConditionCheckContext, depth: number): void {
  const { report, checkOf } = context;
  if (depth >= DEPTH_MAX) {
    report.fault(path, `There are more than ${DEPTH_MAX} conditions inside each other here: take some out.`);
    return;
  }
  const { type } = condition;
  if (typeof type !== 'string') {
    report.fault(path, "This condition lacks the property 'type', which is required: add it.");
    return;
  }
  const description = findConditionType(type);
  if (description === undefined) return unknownCondition(type, [...path, 'type'], report);
  const subject = { path, name: `the condition ${description.type}`, kind: description.type };
  reportSchemaErrors(checkOf(description.schema)(condition), condition, subject, report);
  if (shortType(type) !== description.type) {
    report.info([...path, 'type'], `The type ${quoted(type)} is an old name: write ${description.type}.`, {
      suggestion: description.type,
    });
  }
  if (description.deprecated === true) report.deprecated([...path, 'type']);
  deprecatedProperties(description.schema, condition, path, report);
  checkRelations(description, condition, path, context);
  checkConditions(condition['conditions'], [...path, 'conditions'], context, depth + 1);
}

function unknownCondition(type: string, path: Path, report: Report): void {
  const lastName = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const near =
    nearestName(shortType(type), TYPES) ?? TYPES.find((known) => lastName(known) === lastName(type)) ?? undefined;
  const advice = near === undefined ? 'see the documentation for those that there are.' : `did you mean ${near}?`;
  report.fault(path, `The condition type ${quoted(type)} is not known: ${advice}`, { suggestion: near });
}

function checkRelations(
  { type }: ConditionTypeDescription,
  condition: PlainObject,
  path: Path,
  { report, allowsMultiple }: ConditionCheckContext,
): void {
  if (type === 'core.condition.MultipleCondition') {
    if (!allowsMultiple) {
      report.fault([...path, 'type'], 'A MultipleCondition is for Flow triggers and cannot be used here: remove it.');
    }
    checkTimeWindow(condition['timeWindow'], [...path, 'timeWindow'], report);
  }
  const isBetween = type === 'core.condition.DateTimeBetween' || type === 'core.condition.TimeBetween';
  if (isBetween && condition['after'] === undefined && condition['before'] === undefined) {
    report.fault(path, `This ${type} has neither 'after' nor 'before': add one of them.`);
  }
  if (isBetween) {
    const what = type === 'core.condition.TimeBetween' ? TIME : DATE_TIME;
    for (const property of ['after', 'before']) {
      const value = condition[property];
      if (typeof value !== 'string' || what.pattern.test(value.trim()) || isTemplate(value)) continue;
      report.fault([...path, property], `'${property}' is ${quoted(value)} but must be ${what.words}.`);
    }
  }
}

const TIME = {
  pattern: /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?$/i,
  words: 'a time such as 16:19:12+02:00',
};
const DATE_TIME = {
  pattern: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?(\[[\w/+-]+\])?$/i,
  words: 'a date with its zone, such as 2024-01-31T08:00:00+01:00',
};
