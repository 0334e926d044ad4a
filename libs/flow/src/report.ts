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
  warning(path: Path, message: string, options?: FindingOptions): void;
  info(path: Path, message: string, options?: FindingOptions): void;
  /** A deprecated property or type is used at `path`. */
  deprecated(path: Path): void;
  /** Findings at or below `path` would only follow from one that is known already. */
  silence(path: Path): void;
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
  const faults = createList(locator, max);
  const warnings = createList(locator, max);
  const infos = createList(locator, max);
  const deprecations = new Set<string>();
  const silenced = new Set<string>();
  const isSilenced = (path: Path): boolean =>
    silenced.size > 0 && [...path, ''].some((_, length) => silenced.has(pathText(path.slice(0, length))));
  const into = (list: FindingList) => (path: Path, message: string, options: FindingOptions = {}) => {
    if (!isSilenced(path)) list.add(path, message, options);
  };
  return {
    fault: into(faults),
    warning: into(warnings),
    info: into(infos),
    deprecated: (path) => deprecations.add(pathText(path)),
    silence: (path) => silenced.add(pathText(path)),
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
  add(path: Path, message: string, options: FindingOptions): void;
  sorted(counted?: string): Finding[];
}

function createList(locator: Locator, max: number): FindingList {
  const findings = new Map<string, Finding>();
  let left = 0;
  return {
    add: (path, message, { part = 'value', suggestion, textOffset }) => {
      const key = `${pathText(path)}\n${message}`;
      if (findings.has(key)) return;
      if (findings.size >= max) {
        left++;
        return;
      }
      const { line, column } =
        textOffset === undefined ? locator.positionOf(path, part) : locator.positionInText(path, textOffset);
      const finding: Finding = { line, column, path: pathText(path), message };
      findings.set(key, suggestion === undefined ? finding : { ...finding, suggestion });
    },
    sorted: (counted) => {
      const list = [...findings.values()].sort((left, right) => left.line - right.line || left.column - right.column);
      const last = list.at(-1);
      if (left > 0 && counted !== undefined && last !== undefined) {
        list.push({ ...last, path: '', message: `There are ${left} more ${counted}: correct those above first.` });
      }
      return list;
    },
  };
}
