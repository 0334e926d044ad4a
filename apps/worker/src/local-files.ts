import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Readable } from 'node:stream';
import { TaskFailure } from '@millrace/plugin-api';

/**
 * Where a file of the worker's own machine is, links followed, if the configuration allows it
 * (`local-files.allowed-paths`); undefined when there is no such file in an allowed folder.
 * @throws TaskFailure when it is not below an allowed folder
 */
export async function findLocalFile(uri: string, allowedPaths: readonly string[]): Promise<string | undefined> {
  const written = pathOf(uri);
  const path = await existing(written);
  const folders = (await Promise.all(allowedPaths.map(existing))).filter((folder) => folder !== undefined);
  const isBelow = (at: string, folder: string): boolean => at.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  if (path !== undefined && folders.some((folder) => isBelow(path, folder))) {
    return (await stat(path)).isFile() ? path : undefined;
  }
  // Whether a file that is not allowed exists is nobody's business.
  if (path === undefined && allowedPaths.some((folder) => isBelow(written, folder))) return undefined;
  throw new TaskFailure(
    `'${uri}' is no file that this worker may read: name its folder in the configuration 'local-files.allowed-paths'`,
  );
}

/** Opens such a file. @throws TaskFailure when it is not allowed, or not there */
export async function openLocalFile(uri: string, allowedPaths: readonly string[]): Promise<Readable> {
  const path = await findLocalFile(uri, allowedPaths);
  if (path === undefined)
    throw new TaskFailure(`'${uri}' is no file that this worker may read: there is none of that name`);
  return createReadStream(path);
}

const existing = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined);

function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new TaskFailure(`'${uri}' is not a URI of a local file, such as file:///data/in.csv`, undefined, error);
  }
}
