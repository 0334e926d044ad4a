import { labelKeyFault } from '@millrace/flow';
import { excerpt, isPlainObject, type Label } from '@millrace/model';
import type { UpdateTask } from './updates.js';

/** Labels of one execution, and the length of one's value. */
const LABELS_MAX = 200;
const VALUE_LENGTH_MAX = 1_000;

/** Labels: laid over those that the execution has. Labels of the system and empty values are refused. */
export const labels: UpdateTask = ({ labels: written }, { view }) => {
  const found = entriesOf(written).map(([key, value]) => label(key, value));
  const all = new Set([...view.head.labels, ...found].map(({ key }) => key));
  if (all.size > LABELS_MAX)
    throw new Error(`An execution has at most ${LABELS_MAX} labels, and this would be ${all.size}.`);
  return { facts: [{ kind: 'labels-merged', labels: found }] };
};

function entriesOf(written: unknown): readonly (readonly [unknown, unknown])[] {
  const value = typeof written === 'string' ? parsed(written) : written;
  if (Array.isArray(value) && value.every(isPlainObject)) return value.map(({ key, value: of }) => [key, of] as const);
  if (isPlainObject(value)) return Object.entries(value);
  throw new Error(`The labels are ${excerpt(written)}: give a map, or a list of maps with 'key' and 'value'.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function label(key: unknown, value: unknown): Label {
  if (typeof key !== 'string' || key === '') throw new Error('A label has no key: give it one.');
  const fault = key.startsWith('system.')
    ? `The label '${key}' is set by the system: choose another key.`
    : labelKeyFault(key);
  if (fault !== undefined) throw new Error(fault);
  const text = value === null || value === undefined || typeof value === 'object' ? '' : String(value);
  if (text.trim() === '') throw new Error(`The label '${key}' has no value: give it one.`);
  if (text.length > VALUE_LENGTH_MAX) {
    throw new Error(`The value of label '${key}' is longer than ${VALUE_LENGTH_MAX} characters: shorten it.`);
  }
  return { key, value: text };
}
