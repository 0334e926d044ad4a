import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { TaskFailure, type TaskContext } from '../task-type.js';
import { filesBelow } from './files-below.js';
import { createGlob, isLiteral } from './glob.js';

/** Files that one task may leave behind. */
const FILES_MAX = 1_000;

export interface OutputFolders {
  readonly workingDirectory: string;
  /** All that lies in it is kept, whatever the patterns. */
  readonly outputDirectory?: string;
}

/**
 * Stores the files of a working directory that match, and every file of the output directory.
 * @returns their URIs by name
 * @throws TaskFailure when there are too many, or a pattern leads out of the working directory
 */
export async function storeOutputFiles(
  { workingDirectory, outputDirectory }: OutputFolders,
  patterns: readonly string[],
  { files, log }: Pick<TaskContext, 'files' | 'log'>,
): Promise<Readonly<Record<string, string>>> {
  const found = new Map<string, string>();
  for (const name of await matchingFiles(workingDirectory, patterns)) found.set(name, join(workingDirectory, name));
  for (const pattern of patterns.filter(isLiteral)) {
    if (!found.has(pattern.replace(/^\.\//, ''))) log.write('WARN', `The output file '${pattern}' was not made`);
  }
  for (const name of outputDirectory === undefined ? [] : await filesBelow(outputDirectory))
    found.set(name, join(outputDirectory ?? '', name));
  if (found.size > FILES_MAX)
    throw new TaskFailure(`The task leaves ${found.size} output files, more than ${FILES_MAX}: pack them into one`);
  const uris: [string, string][] = [];
  for (const [name, path] of [...found].sort()) uris.push([name, await files.store(name, createReadStream(path))]);
  return Object.fromEntries(uris);
}

/**
 * Relative paths of the files of a directory that match one of the patterns.
 * @throws TaskFailure when a pattern leads out of the directory
 */
export async function matchingFiles(directory: string, patterns: readonly string[]): Promise<readonly string[]> {
  for (const pattern of patterns) checkInside(pattern);
  if (patterns.length === 0) return [];
  const globs = patterns.map((pattern) => createGlob(pattern.replace(/^\.\//, '')));
  return (await filesBelow(directory)).filter((name) => globs.some((matches) => matches(name)));
}

/** A pattern can match nothing outside of the directory; one that tries is a mistake to be told, not to be silent about. */
function checkInside(pattern: string): void {
  if (!pattern.startsWith('/') && !pattern.split('/').includes('..')) return;
  throw new TaskFailure(
    `The output file '${pattern}' leads out of the working directory: give a path below it, or copy the file there first`,
  );
}
