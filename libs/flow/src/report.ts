import { pathText, type Fault, type Finding, type Path } from './fault.js';
import type { Locator, Part, Position } from './yaml/locate.js';

/** Where and how a finding is shown. */
export interface FindingOptions {
  /** What of the property is meant; its value unless said otherwise. */
  readonly part?: Part;
  readonly suggestion?: string | undefined;
  /** A character of the text at the path. */
  readonly textOffset?: number;
}

/** Collects what checks find, with places; gives it back sorted by place, each finding once. */
export interface Report {
  fault(path: Path, message: string, options?: FindingOptions): void;
  /** A fault at an offset of the text. */
  faultAt(path: Path, offset: number, message: string): void;
  warning(path: Path, message: string, options?: FindingOptions): void;
  info(path: Path, message: string, options?: FindingOptions): void;
  /** A deprecated property or type is used at `path`. */
  deprecated(path: Path): void;
  /** Findings at or below `path` would only follow from one that is known already. */
  silence(path: Path): void;
  /** No more findings of this kind are kept, so looking for the best words is in vain. Counts the one not made. */
  isFull(kind: 'fault' | 'warning'): boolean;
  positionOf(path: Path): Position;
  writtenAt(path: Path): string | undefined;
  result(): Findings;
}

export interface Findings {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Finding[];
  readonly infos: readonly Finding[];
  readonly deprecations: readonly string[];
}

/** @param max findings of each kind; further faults are counted in a last one, other findings are dropped */
export function createReport(locator: Locator, max: number): Report {
  const faults = createList(max);
  const warnings = createList(max);
  const infos = createList(max);
  const deprecations = new Set<string>();
  const silenced = new Set<string>();
  const isSilenced = (path: Path): boolean =>
    silenced.size > 0 && [...path, ''].some((_, length) => silenced.has(pathText(path.slice(0, length))));
  const into =
    (list: FindingList) =>
    (path: Path, message: string, options: FindingOptions = {}) => {
      if (isSilenced(path) || list.isFull()) return;
      const { part = 'value', suggestion, textOffset } = options;
      const { line, column } =
        textOffset === undefined ? locator.positionOf(path, part) : locator.positionInText(path, textOffset);
      const finding: Finding = { line, column, path: pathText(path), message };
      list.add(suggestion === undefined ? finding : { ...finding, suggestion });
    };
  return {
    fault: into(faults),
    faultAt: (path, offset, message) => {
      if (!isSilenced(path) && !faults.isFull())
        faults.add({ ...locator.positionAt(offset), path: pathText(path), message });
    },
    warning: into(warnings),
    info: into(infos),
    deprecated: (path) => deprecations.add(pathText(path)),
    silence: (path) => silenced.add(pathText(path)),
    isFull: (kind) => (kind === 'fault' ? faults : warnings).isFull(),
    positionOf: (path) => locator.positionOf(path, 'name'),
    writtenAt: (path) => locator.writtenAt(path),
    result: () => ({
      faults: faults.sorted('faults'),
      warnings: warnings.sorted(),
      infos: infos.sorted(),
      deprecations: [...deprecations],
    }),
  };
}

interface FindingList {
  add(finding: Finding): void;
  /** Counts one that is left out when there is no more room, before its place is looked for. */
  isFull(): boolean;
  sorted(counted?: string): Finding[];
}

function createList(max: number): FindingList {
  const findings = new Map<string, Finding>();
  let left = 0;
  return {
    add: (finding) => {
      findings.set(`${finding.line}:${finding.column}:${finding.path}\n${finding.message}`, finding);
    },
    isFull: () => {
      if (findings.size < max) return false;
      left++;
      return true;
    },
    sorted: (counted) => {
      const list = [...findings.values()].sort((one, other) => one.line - other.line || one.column - other.column);
      const last = list.at(-1);
      if (left > 0 && counted !== undefined && last !== undefined) {
        const { line, column } = last;
        list.push({ line, column, path: '', message: `There are ${left} more ${counted}: correct those above first.` });
      }
      return list;
    },
  };
}
