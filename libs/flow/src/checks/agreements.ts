import { isPlainObject, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import { reportDuplicate } from './tasks.js';

/** What each kind of service level agreement is judged by, and what such a property looks like. */
const JUDGED_BY: Readonly<Record<string, { readonly property: string; readonly example: string }>> = {
  MAX_DURATION: { property: 'duration', example: 'PT1H' },
  EXECUTION_ASSERTION: { property: 'assert', example: "'{{ … }}'" },
};

/** Relations inside and between the entries of `sla` (spec flow.md §7). */
export function checkAgreements(flow: PlainObject, report: Report): void {
  const { sla } = flow;
  if (!Array.isArray(sla)) return;
  const first = new Map<string, Path>();
  sla.forEach((agreement: unknown, index) => {
    if (!isPlainObject(agreement)) return;
    const path: Path = ['sla', index];
    const { id, type } = agreement;
    if (typeof id === 'string') {
      const before = first.get(id);
      if (before === undefined) first.set(id, path);
      else reportDuplicate('sla', id, before, [...path, 'id'], report);
    }
    if (typeof type === 'string') checkJudgement(agreement, type, path, report);
  });
}

function checkJudgement(agreement: PlainObject, type: string, path: Path, report: Report): void {
  const own = JUDGED_BY[type];
  if (own === undefined) return;
  if (agreement[own.property] === undefined) {
    report.fault(
      path,
      `An sla of type ${type} needs '${own.property}': add it, such as '${own.property}: ${own.example}'.`,
    );
  }
  for (const { property } of Object.values(JUDGED_BY)) {
    if (property === own.property || agreement[property] === undefined) continue;
    report.fault([...path, property], `'${property}' has no meaning for an sla of type ${type}: remove it.`, {
      part: 'name',
    });
  }
}
