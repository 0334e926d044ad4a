import { isPlainObject, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import { labelKeyFault } from '../labels.js';
import type { Report } from '../report.js';
import { quoted } from '../words.js';
import { reportDuplicate } from './tasks.js';

/** Words that stand where a flow's id stands in paths of the API. */
const RESERVED_IDS = new Set([
  'pause',
  'resume',
  'force-run',
  'change-status',
  'kill',
  'executions',
  'search',
  'source',
  'disable',
  'enable',
]);

/** Checks of the flow itself that its schema cannot say. */
export function checkFlow(flow: PlainObject, report: Report): void {
  const { id } = flow;
  if (typeof id === 'string' && RESERVED_IDS.has(id)) {
    report.fault(
      ['id'],
      `${quoted(id)} cannot be the id of a flow, because the API uses the word itself: choose another id.`,
    );
  }
  checkLabels(flow['labels'], report);
  checkUniqueIds(flow['outputs'], 'output', 'outputs', report);
  checkUniqueIds(flow['triggers'], 'trigger', 'triggers', report);
  if (flow['taskDefaults'] !== undefined && flow['pluginDefaults'] !== undefined) {
    report.fault(
      ['taskDefaults'],
      "'taskDefaults' is the old name of 'pluginDefaults', and both are set: move its entries there.",
      { part: 'name' },
    );
  }
  checkUniquePreconditions(flow['triggers'], report);
}

function checkLabels(labels: unknown, report: Report): void {
  const keys: readonly (readonly [string, Path])[] = Array.isArray(labels)
    ? labels.flatMap((label: unknown, index) => {
        const key = isPlainObject(label) ? label['key'] : undefined;
        return typeof key === 'string' ? [[key, ['labels', index, 'key']] as const] : [];
      })
    : isPlainObject(labels)
      ? Object.keys(labels).map((key) => [key, ['labels', key]] as const)
      : [];
  for (const [key, path] of keys) {
    const sentence = labelKeyFault(key);
    if (sentence !== undefined) report.fault(path, sentence, { part: Array.isArray(labels) ? 'value' : 'name' });
  }
}

function checkUniqueIds(list: unknown, what: string, property: string, report: Report): void {
  if (!Array.isArray(list)) return;
  const first = new Map<string, Path>();
  list.forEach((item: unknown, index) => {
    const id = isPlainObject(item) ? item['id'] : undefined;
    if (typeof id !== 'string') return;
    const before = first.get(id);
    if (before === undefined) first.set(id, [property, index]);
    else reportDuplicate(what, id, before, [property, index, 'id'], report);
  });
}

function checkUniquePreconditions(triggers: unknown, report: Report): void {
  if (!Array.isArray(triggers)) return;
  const first = new Map<string, Path>();
  triggers.forEach((trigger: unknown, index) => {
    const preconditions = isPlainObject(trigger) ? trigger['preconditions'] : undefined;
    const id = isPlainObject(preconditions) ? preconditions['id'] : undefined;
    if (typeof id !== 'string') return;
    const path: Path = ['triggers', index, 'preconditions'];
    const before = first.get(id);
    if (before === undefined) first.set(id, path);
    else reportDuplicate('preconditions', id, before, [...path, 'id'], report);
  });
}
