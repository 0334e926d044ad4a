import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { TaskFailure } from '@millrace/plugin-api';

/** The path of the first of `names` that is an executable program; undefined when none is. */
export async function findProgram(names: readonly string[], searchPath: string): Promise<string | undefined> {
  for (const name of names) {
    const candidates = isAbsolute(name)
      ? [name]
      : searchPath.split(delimiter).map((folder) => join(folder || '.', name));
    for (const candidate of candidates) {
      try {
        await access(candidate, constants.X_OK);
        return candidate;
      } catch {
        // Not here; the next folder may have it.
      }
    }
  }
  return undefined;
}

/** As `findProgram`. @throws TaskFailure that says what to install */
export async function needProgram(names: readonly string[], searchPath: string): Promise<string> {
  const found = await findProgram(names, searchPath);
  if (found !== undefined) return found;
  throw new TaskFailure(
    `${names.join(' or ')} is not installed on this worker: install it, or set 'interpreter' or PATH in 'env'`,
  );
}
