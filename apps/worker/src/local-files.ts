import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Readable } from 'node:stream';
import { TaskFailure } from '@millrace/plugin-api';

/**
 * Opens a file of the worker's own machine, if the configuration allows it (`local-files.allowed-paths`).
 * @throws TaskFailure when it is not below an allowed folder, links followed, or is not there
 */
export async function openLocalFile(uri: string, allowedPaths: readonly string[]): Promise<Readable> {
  const path = await realpath(pathOf(uri)).catch(() => undefined);
  const folders = await Promise.all(allowedPaths.map((folder) => realpath(folder).catch(() => undefined)));
  const isAllowed = folders.some(
    (folder) => folder !== undefined && path?.startsWith(folder.endsWith(sep) ? folder : folder + sep),
  );
  // Whether a file that is not allowed exists is nobody's business.
  if (path === undefined || !isAllowed || !(await stat(path)).isFile()) {
    throw new TaskFailure(
      `'${uri}' is no file that this worker may read: name its folder in the configuration 'local-files.allowed-paths'`,
    );
  }
  return createReadStream(path);
}

function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new TaskFailure(`'${uri}' is not a URI of a local file, such as file:///data/in.csv`, undefined, error);
  }
}
