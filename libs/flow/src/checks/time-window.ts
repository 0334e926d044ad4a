import { isPlainObject, WINDOW_TYPES } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import { either } from '../words.js';

const PROPERTIES = [...new Set(Object.values(WINDOW_TYPES).flatMap(({ allows }) => [...allows]))];

/** Each type of window demands its own properties and forbids those of the others (spec triggers.md §4). */
export function checkTimeWindow(timeWindow: unknown, path: Path, report: Report): void {
  if (!isPlainObject(timeWindow)) return;
  const type = timeWindow['type'] ?? 'DURATION_WINDOW';
  if (typeof type !== 'string' || !isWindowType(type)) return;
  const rule: { readonly needs: readonly string[]; readonly allows: readonly string[] } = WINDOW_TYPES[type];
  for (const property of rule.needs) {
    if (timeWindow[property] === undefined) {
      report.fault(path, `A window of type ${type} lacks the property '${property}', which it needs: add it.`);
    }
  }
  for (const property of PROPERTIES) {
    if (timeWindow[property] === undefined || rule.allows.includes(property)) continue;
    const types = Object.entries(WINDOW_TYPES)
      .filter(([, { allows }]) => (allows as readonly string[]).includes(property))
      .map(([name]) => name);
    report.fault(
      [...path, property],
      `'${property}' is for windows of type ${either(types)} and not for ${type}: remove it, or change the type.`,
      { part: 'name' },
    );
  }
}

const isWindowType = (type: string): type is keyof typeof WINDOW_TYPES => Object.hasOwn(WINDOW_TYPES, type);
