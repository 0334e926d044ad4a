import { isPlainObject, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { UNSUPPORTED, WITHOUT_EFFECT, type UnsupportedFeature } from '../unsupported.js';

/** Refuses what this version would otherwise ignore. */
export function checkUnsupported(flow: PlainObject, tasks: readonly WrittenTask[], report: Report): void {
  checkHolder(flow, [], 'flow', report);
  checkRetryHolder(flow, [], report);
  for (const { value, path } of tasks) {
    checkHolder(value, path, 'task', report);
    checkRetryHolder(value, path, report);
  }
  for (const { property, sentence } of WITHOUT_EFFECT) {
    if (isUsed(flow[property])) report.warning([property], sentence, { part: 'name' });
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
