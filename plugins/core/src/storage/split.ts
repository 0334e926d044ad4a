import { excerpt } from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';
import { RE2JS } from 're2js';

/** How a text is divided; exactly one of the first four. */
export interface SplitRule {
  /** Lines of a part. */
  readonly rows?: number | undefined;
  /** A part ends when it has so many bytes, or more. */
  readonly bytes?: number | undefined;
  /** Lines go in turn to so many parts. */
  readonly partitions?: number | undefined;
  /** Lines of which the first group of the pattern is the same go together; others are left out. */
  readonly regexPattern?: string | undefined;
  /** Put behind every line again. */
  readonly separator: string;
}

/** Parts that are open at the same time. */
export const OPEN_PARTS_MAX = 1_000;

/** A line, with its separator, and the part to which it goes: numbered from 0 in the order in which they begin. */
export interface PlacedLine {
  readonly part: number;
  readonly text: string;
}

/** A split, ready for the lines of a file. */
export interface Splitter {
  /** No line of an earlier part follows one of a later part: a part can be closed when the next begins. */
  readonly isInOrder: boolean;
  /** The part of the next line; undefined for one that is left out. */
  place(line: string): PlacedLine | undefined;
}

/** @throws TaskFailure when the rule is none */
export function createSplitter({ rows, bytes, partitions, regexPattern, separator }: SplitRule): Splitter {
  const given = Object.entries({ rows, bytes, partitions, regexPattern }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw new TaskFailure(
      `Give one of rows, bytes, partitions and regexPattern, and not ${given.map(([name]) => name).join(' and ')}`,
    );
  }
  if (partitions !== undefined) return inTurn(partitions, separator);
  if (regexPattern !== undefined) return byPattern(regexPattern, separator);
  if (bytes !== undefined) return bySize(bytes, separator);
  return byRows(rows ?? 1, separator);
}

const least = (name: string, value: number, most: number): void => {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new TaskFailure(`Property '${name}' must be a whole number from 1 to ${most}, but is ${value}`);
};

function byRows(rows: number, separator: string): Splitter {
  least('rows', rows, Number.MAX_SAFE_INTEGER);
  let count = 0;
  return { isInOrder: true, place: (line) => ({ part: Math.floor(count++ / rows), text: line + separator }) };
}

function bySize(bytes: number, separator: string): Splitter {
  least('bytes', bytes, Number.MAX_SAFE_INTEGER);
  let part = 0;
  let size = 0;
  return {
    isInOrder: true,
    place(line) {
      if (size >= bytes) {
        part++;
        size = 0;
      }
      const text = line + separator;
      size += Buffer.byteLength(text);
      return { part, text };
    },
  };
}

function inTurn(partitions: number, separator: string): Splitter {
  least('partitions', partitions, OPEN_PARTS_MAX);
  let count = 0;
  return { isInOrder: false, place: (line) => ({ part: count++ % partitions, text: line + separator }) };
}

function byPattern(regexPattern: string, separator: string): Splitter {
  const pattern = compiled(regexPattern);
  const parts = new Map<string, number>();
  return {
    isInOrder: false,
    place(line) {
      const matcher = pattern.matcher(line);
      const bucket = matcher.find() ? matcher.group(1) : null;
      if (bucket === null || bucket === undefined) return undefined;
      let part = parts.get(bucket);
      if (part === undefined) parts.set(bucket, (part = parts.size));
      if (part >= OPEN_PARTS_MAX) {
        throw new TaskFailure(
          `The pattern '${excerpt(regexPattern)}' gives more than ${OPEN_PARTS_MAX} different parts`,
        );
      }
      return { part, text: line + separator };
    },
  };
}

function compiled(regexPattern: string): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(regexPattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TaskFailure(`Property 'regexPattern' is no regular expression: ${reason}`, undefined, error);
  }
  if (pattern.groupCount() >= 1) return pattern;
  throw new TaskFailure(`Property 'regexPattern' needs a group, such as ^(\\w+), whose text names the part`);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Bytes as written: `10KB`, `1MB`, `500`. @throws TaskFailure */
export function bytesOf(written: string | number): number {
  const found = /^\s*(\d+(?:\.\d+)?)\s*([KMG]?I?B?)\s*$/i.exec(String(written));
  const unit =
    UNITS[
      (found?.[2] ?? '-')
        .toUpperCase()
        .replace('I', '')
        .replace(/^([KMG])$/, '$1B')
    ];
  if (found === null || unit === undefined) {
    throw new TaskFailure(`A size is written as 500, 10KB, 1MB or 1GB, and not as '${excerpt(String(written))}'`);
  }
  return Math.floor(Number(found[1]) * unit);
}
