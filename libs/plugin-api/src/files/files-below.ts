import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TaskFailure } from '../task-type.js';

/** Entries that are looked at to find files. */
const ENTRIES_MAX = 100_000;

/**
 * Relative paths of all files below a directory, with `/`; links that lead out of it are left out.
 * @throws TaskFailure when it has more than 100,000 entries
 */
export async function filesBelow(directory: string): Promise<readonly string[]> {
  const home = await realpath(directory);
  const names: string[] = [];
  const folders = [''];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
      if (++entries > ENTRIES_MAX)
        throw new TaskFailure(
          `The working directory has more than ${ENTRIES_MAX} entries: its files cannot be looked for`,
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
