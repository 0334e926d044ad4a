import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { createGlob, isLiteral } from './glob.js';

/** Files that one task may leave behind, and entries that are looked at to find them. */
const FILES_MAX = 1_000;
const ENTRIES_MAX = 100_000;

/**
 * Stores the files of a working directory that match, and every file of the output directory.
 * @returns their URIs by name
 * @throws TaskFailure when there are too many, or a pattern leads out of the working directory
 */
export async function storeOutputFiles(
  { workingDirectory, outputDirectory }: { readonly workingDirectory: string; readonly outputDirectory: string },
  patterns: readonly string[],
  { files, log }: Pick<TaskContext, 'files' | 'log'>,
): Promise<Readonly<Record<string, string>>> {
  const found = new Map<string, string>();
  for (const pattern of patterns) checkInside(pattern);
  if (patterns.length > 0) {
    const globs = patterns.map((pattern) => createGlob(pattern.replace(/^\.\//, '')));
    for (const name of await filesBelow(workingDirectory)) {
      if (globs.some((matches) => matches(name))) found.set(name, join(workingDirectory, name));
    }
    for (const pattern of patterns.filter(isLiteral)) {
      if (!found.has(pattern.replace(/^\.\//, ''))) log.write('WARN', `The output file '${pattern}' was not made`);
    }
  }
  for (const name of await filesBelow(outputDirectory)) found.set(name, join(outputDirectory, name));
  if (found.size > FILES_MAX)
    throw new TaskFailure(`The task leaves ${found.size} output files, more than ${FILES_MAX}: pack them into one`);
  const uris: [string, string][] = [];
  for (const [name, path] of [...found].sort()) uris.push([name, await files.store(name, createReadStream(path))]);
  return Object.fromEntries(uris);
}

/** A pattern can match nothing outside of the working directory; one that tries is a mistake to be told, not to be silent about. */
function checkInside(pattern: string): void {
  if (!pattern.startsWith('/') && !pattern.split('/').includes('..')) return;
  throw new TaskFailure(
    `The output file '${pattern}' leads out of the working directory: give a path below it, or copy the file there first`,
  );
}

/** Relative paths of all files below a directory; links that lead out of it are left out. */
async function filesBelow(directory: string): Promise<readonly string[]> {
  const home = await realpath(directory);
  const names: string[] = [];
  const folders = [''];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
      if (++entries > ENTRIES_MAX)
        throw new TaskFailure(
          `The working directory has more than ${ENTRIES_MAX} entries: output files cannot be looked for`,
        );
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(name);
      else if (entry.isFile() || (entry.isSymbolicLink() && (await staysInside(home, join(directory, name)))))
        names.push(name);
    }
  }
  return names;
}

async function staysInside(home: string, path: string): Promise<boolean> {
  try {
    return (await realpath(path)).startsWith(home + sep) && (await stat(path)).isFile();
  } catch {
    // A link to nothing is no file.
    return false;
  }
}
