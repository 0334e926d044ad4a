import { parseDuration, isPlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';

/** What each kind of retry must say. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  constant: ['interval'],
  exponential: ['interval', 'maxInterval'],
  random: ['minInterval', 'maxInterval'],
};

/** Of each pair the first must be shorter than the second. */
const SHORTER: readonly (readonly [string, string])[] = [
  ['interval', 'maxInterval'],
  ['minInterval', 'maxInterval'],
  ['interval', 'maxDuration'],
  ['minInterval', 'maxDuration'],
  ['maxInterval', 'maxDuration'],
];

/** Relations inside a retry object (spec flow.md §2.1). */
export function checkRetry(retry: unknown, path: Path, report: Report): void {
  if (!isPlainObject(retry)) return;
  const kind = retry['type'];
  const required = typeof kind === 'string' ? (REQUIRED[kind] ?? []) : [];
  for (const property of required) {
    if (retry[property] === undefined) {
      report.fault(
        path,
        `A retry of type ${String(kind)} needs '${property}': add it, such as '${property}: ${EXAMPLES[property] ?? 'PT10S'}'.`,
      );
    }
  }
  for (const [shorter, longer] of SHORTER) {
    const [low, high] = [durationAt(retry[shorter]), durationAt(retry[longer])];
    if (low === undefined || high === undefined || low < high) continue;
    report.fault(
      [...path, shorter],
      `'${shorter}' must be shorter than '${longer}' (${String(retry[longer])}): change one of the two.`,
    );
  }
  for (const property of ['interval', 'minInterval', 'maxInterval', 'maxDuration']) {
    const duration = durationAt(retry[property]);
    if (duration !== undefined && duration < 0)
      report.fault([...path, property], `'${property}' is negative: write a duration of zero or more.`);
  }
  if (retry['maxAttempts'] !== undefined && retry['maxAttempt'] !== undefined) {
    report.fault(
      [...path, 'maxAttempt'],
      "'maxAttempt' is the old name of 'maxAttempts', and both are set: remove 'maxAttempt'.",
      { part: 'name' },
    );
  }
}

const EXAMPLES: Readonly<Record<string, string>> = { interval: 'PT10S', minInterval: 'PT5S', maxInterval: 'PT1M' };

const durationAt = (value: unknown): number | undefined =>
  typeof value === 'string' ? parseDuration(value) : undefined;
