import {
  findTriggerType,
  isPlainObject,
  nearestName,
  shortType,
  triggerSchema,
  TRIGGER_TYPES,
  type PlainObject,
  type PluginDefault,
  type TaskTypeCatalog,
  type TriggerTypeDescription,
} from '@millrace/model';
import { instantOf, parseCron, zoneOf } from '@millrace/schedule';
import type { Path } from '../fault.js';
import { compilePattern } from '../inputs/pattern.js';
import { labelKeyFault } from '../labels.js';
import { withDefaults } from '../plugin-defaults.js';
import type { Report } from '../report.js';
import type { SchemaCheck } from '../schema/compile.js';
import { reportSchemaErrors } from '../schema/faults.js';
import { isTemplate, readTemplate, templatesIn } from '../templates.js';
import { quoted } from '../words.js';
import { checkConditions } from './conditions.js';
import { deprecatedProperties, reportDuplicate } from './tasks.js';
import { checkTimeWindow } from './time-window.js';

/** What checking triggers needs of its surroundings. */
export interface TriggerCheckContext {
  /** Of task types: plugin defaults name types by it. */
  readonly catalog: TaskTypeCatalog;
  /** The check of a schema, compiled once. */
  readonly checkOf: (schema: object) => SchemaCheck;
  readonly pluginDefaults: readonly (readonly PluginDefault[])[];
  readonly report: Report;
}

/** Of a trigger whose type is missing or unknown only the common properties can be checked. */
const COMMON_SCHEMA = { ...triggerSchema({}, 'A trigger of an unknown type.'), additionalProperties: true };
const TYPES = TRIGGER_TYPES.map(({ type }) => type);

/** Every trigger of a flow. */
export function checkTriggers(triggers: unknown, context: TriggerCheckContext): void {
  if (!Array.isArray(triggers)) return;
  triggers.forEach((trigger: unknown, index) => {
    if (isPlainObject(trigger)) checkTrigger(trigger, ['triggers', index], context);
  });
}

/** One trigger against the schema of its type, with all that the schema cannot say. */
export function checkTrigger(trigger: PlainObject, path: Path, context: TriggerCheckContext): void {
  const { report, checkOf } = context;
  const { id, type } = trigger;
  const subject = {
    path,
    name: typeof id === 'string' && id !== '' ? `the trigger ${quoted(id)}` : 'this trigger',
    kind: 'a trigger',
  };
  checkTemplates(trigger, path, report);
  const description = typeof type === 'string' ? findTriggerType(type) : undefined;
  if (description === undefined) {
    reportSchemaErrors(checkOf(COMMON_SCHEMA)(trigger), trigger, subject, report);
    if (typeof type === 'string') unknownType(type, [...path, 'type'], report);
    return;
  }
  const effective = withDefaults(trigger, context.pluginDefaults, context.catalog);
  const errors = checkOf(description.schema)(effective);
  reportSchemaErrors(errors, effective, { ...subject, kind: description.type, written: trigger }, report);
  if (typeof type === 'string' && shortType(type) !== description.type) {
    report.info([...path, 'type'], `The type ${quoted(type)} is an old name: write ${description.type}.`, {
      suggestion: description.type,
    });
  }
  deprecatedProperties(description.schema, trigger, path, report);
  checkLabelKeys(trigger['labels'], [...path, 'labels'], report);
  const allowsMultiple = description.kind === 'flow';
  for (const property of ['conditions', 'scheduleConditions']) {
    checkConditions(trigger[property], [...path, property], { checkOf, report, allowsMultiple });
  }
  checkOfKind(description, effective, path, report);
}

function unknownType(type: string, path: Path, report: Report): void {
  if (type === '')
    return report.fault(path, 'The type of this trigger is empty: write one such as core.trigger.Schedule.');
  const lastName = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const near = nearestName(shortType(type), TYPES) ?? TYPES.find((known) => lastName(known) === lastName(type));
  const advice =
    near === undefined ? 'check its spelling, or install the plugin that brings it.' : `did you mean ${near}?`;
  report.fault(path, `The trigger type ${quoted(type)} is not known: ${advice}`, { suggestion: near });
}

const NOT_RENDERED = new Set<string | number>(['description', 'id', 'type', 'version']);

/** The syntax of expressions; what they may read is known only when the trigger is evaluated. */
function checkTemplates(trigger: PlainObject, path: Path, report: Report): void {
  const rendered = templatesIn(trigger, path, (_, holder, step) => holder !== trigger || !NOT_RENDERED.has(step));
  for (const { path: at, text, isName } of rendered) {
    const reading = readTemplate(text);
    if (reading.kind !== 'fault') continue;
    const place = isName ? ({ part: 'name' } as const) : { textOffset: reading.offset };
    report.fault(at, `The expression cannot be read: ${reading.reason}.`, place);
  }
}

function checkLabelKeys(labels: unknown, path: Path, report: Report): void {
  const keys: readonly (readonly [string, Path])[] = Array.isArray(labels)
    ? labels.flatMap((label: unknown, index) => {
        const key = isPlainObject(label) ? label['key'] : undefined;
        return typeof key === 'string' ? [[key, [...path, index, 'key']] as const] : [];
      })
    : isPlainObject(labels)
      ? Object.keys(labels).map((key) => [key, [...path, key]] as const)
      : [];
  for (const [key, at] of keys) {
    const sentence = isTemplate(key) ? undefined : labelKeyFault(key);
    if (sentence !== undefined) report.fault(at, sentence, { part: Array.isArray(labels) ? 'value' : 'name' });
  }
}

function checkOfKind({ type, kind }: TriggerTypeDescription, trigger: PlainObject, path: Path, report: Report): void {
  switch (kind) {
    case 'schedule':
      checkTimeZone(trigger['timezone'], [...path, 'timezone'], report);
      if (type === 'core.trigger.Schedule') checkCron(trigger, path, report);
      else checkDates(trigger, path, report);
      return;
    case 'webhook':
      if (trigger['returnOutputs'] === true && trigger['wait'] !== true) {
        report.warning(
          [...path, 'returnOutputs'],
          "'returnOutputs' has no effect without 'wait: true', because the outputs are known only at the end: add it.",
          { part: 'name' },
        );
      }
      return;
    case 'flow':
      checkFlowTrigger(trigger, path, report);
      return notEvaluatedYet('A Flow trigger', path, report);
    case 'polling':
      return notEvaluatedYet(`A trigger of type ${type}`, path, report);
    default:
      return kind satisfies never;
  }
}

const notEvaluatedYet = (what: string, path: Path, report: Report): void =>
  report.warning(
    [...path, 'type'],
    `${what} is stored but not evaluated by this version: start the flow by hand, by a schedule or by a webhook until it is.`,
  );

function checkTimeZone(timezone: unknown, path: Path, report: Report): void {
  if (typeof timezone !== 'string' || zoneOf(timezone) !== undefined) return;
  const near = nearestName(timezone, Intl.supportedValuesOf('timeZone'));
  const advice = near === undefined ? 'write one such as Europe/Paris or UTC.' : `did you mean ${near}?`;
  report.fault(path, `There is no time zone ${quoted(timezone)}: ${advice}`, { suggestion: near });
}

function checkCron({ cron, withSeconds, timezone }: PlainObject, path: Path, report: Report): void {
  if (typeof cron !== 'string') return;
  const zone = (typeof timezone === 'string' ? zoneOf(timezone) : undefined) ?? zoneOf('UTC');
  if (zone === undefined) return;
  const parsed = parseCron(cron, { withSeconds: withSeconds === true, zone });
  if ('reason' in parsed) {
    report.fault([...path, 'cron'], `The cron expression ${quoted(cron)} ${parsed.reason}.`);
  } else if (parsed.cron.isEmpty) {
    report.warning(
      [...path, 'cron'],
      `The cron expression ${quoted(cron)} names a day that none of its months has, so it is never due: change it.`,
    );
  }
}

function checkDates({ dates, timezone }: PlainObject, path: Path, report: Report): void {
  const zone = (typeof timezone === 'string' ? zoneOf(timezone) : undefined) ?? zoneOf('UTC');
  if (!Array.isArray(dates) || zone === undefined) return;
  dates.forEach((date: unknown, index) => {
    if (typeof date !== 'string' || isTemplate(date) || instantOf(date, zone) !== undefined) return;
    report.fault(
      [...path, 'dates', index],
      `${quoted(date)} is no date in ISO-8601: write one such as 2024-01-31T08:00:00+01:00.`,
    );
  });
}

const isEmpty = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0);

function checkFlowTrigger(trigger: PlainObject, path: Path, report: Report): void {
  const { preconditions } = trigger;
  if (isEmpty(trigger['conditions']) && preconditions === undefined) {
    report.warning(
      path,
      'This Flow trigger has neither conditions nor preconditions, so every execution of the tenant would start it: add some.',
    );
  }
  if (!isPlainObject(preconditions)) return;
  const at = [...path, 'preconditions'];
  if (isEmpty(preconditions['flows']) && isEmpty(preconditions['where'])) {
    report.warning(at, "These preconditions have neither 'flows' nor 'where', so they never hold: add one of them.");
  }
  checkTimeWindow(preconditions['timeWindow'], [...at, 'timeWindow'], report);
  const { where } = preconditions;
  if (!Array.isArray(where)) return;
  const first = new Map<string, Path>();
  where.forEach((part: unknown, index) => {
    if (!isPlainObject(part)) return;
    const here = [...at, 'where', index];
    const { id, filters } = part;
    if (typeof id === 'string') {
      const before = first.get(id);
      if (before === undefined) first.set(id, here);
      else reportDuplicate('where', id, before, [...here, 'id'], report);
    }
    if (Array.isArray(filters)) {
      filters.forEach((filter: unknown, place) => checkFilter(filter, [...here, 'filters', place], report));
    }
  });
}

const NEEDS_VALUES = new Set<unknown>(['IN', 'NOT_IN']);
const NEEDS_VALUE = new Set<unknown>(['EQUAL_TO', 'NOT_EQUAL_TO', 'STARTS_WITH', 'ENDS_WITH', 'REGEX', 'CONTAINS']);

function checkFilter(filter: unknown, path: Path, report: Report): void {
  if (!isPlainObject(filter)) return;
  const { type, value, values } = filter;
  if (NEEDS_VALUES.has(type) && values === undefined) {
    report.fault(path, `A filter of type ${String(type)} lacks the property 'values', which it needs: add it.`);
  }
  if (NEEDS_VALUE.has(type) && value === undefined) {
    report.fault(path, `A filter of type ${String(type)} lacks the property 'value', which it needs: add it.`);
  }
  if (type === 'REGEX' && typeof value === 'string' && !isTemplate(value)) {
    const compiled = compilePattern(value);
    if ('reason' in compiled)
      report.fault([...path, 'value'], `${quoted(value)} is no regular expression: ${compiled.reason}.`);
  }
}
