import { isPlainObject, shortType, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { UNSUPPORTED, WITHOUT_EFFECT, type UnsupportedFeature } from '../unsupported.js';

/** Refuses what this version would otherwise ignore. */
export function checkUnsupported(flow: PlainObject, tasks: readonly WrittenTask[], report: Report): void {
  checkHolder(flow, [], 'flow', report);
  checkRetryHolder(flow, [], report);
  checkEffect(flow, [], 'flow', report);
  for (const { value, path } of tasks) {
    checkHolder(value, path, 'task', report);
    if (isScript(value['type'])) checkHolder(value, path, 'script', report);
    checkRetryHolder(value, path, report);
    checkEffect(value, path, 'task', report);
  }
}

/** Tasks that run in a process or a container. */
const isScript = (type: unknown): boolean => typeof type === 'string' && shortType(type).startsWith('scripts.');

function checkEffect(holder: PlainObject, path: Path, where: 'flow' | 'task', report: Report): void {
  for (const feature of WITHOUT_EFFECT) {
    const value = holder[feature.property];
    if (feature.where !== where || !isUsed(value) || feature.applies?.(value) === false) continue;
    report.warning([...path, feature.property], feature.sentence, { part: 'name' });
  }
}

function checkRetryHolder(holder: PlainObject, path: Path, report: Report): void {
  const { retry } = holder;
  if (isPlainObject(retry)) checkHolder(retry, [...path, 'retry'], 'retry', report);
}

function checkHolder(holder: PlainObject, path: Path, where: UnsupportedFeature['where'], report: Report): void {
  for (const feature of UNSUPPORTED) {
    if (!feature.where.includes(where)) continue;
    const value = holder[feature.property];
    if (!isUsed(value) || feature.applies?.(value) === false) continue;
    const place = [...path, feature.property];
    report.fault(
      place,
      `${feature.what} ('${feature.property}') is not supported by this version yet: ${feature.advice}.`,
      { part: 'name' },
    );
    // Mistakes inside do not matter until it is supported.
    report.silence(place);
  }
}

const isUsed = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
