import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isPlainObject } from '@millrace/model';

/** Why a call of the file system failed, in words. */
export function fileFailure(error: unknown): string {
  const code = isPlainObject(error) ? error['code'] : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file is where a folder should be';
  if (code === 'EACCES' || code === 'EPERM') return 'you have no right to it';
  return error instanceof Error ? error.message : String(error);
}

/**
 * Makes a folder and those above it when they are not there. Not with `recursive` of Node: that never returns where the
 * system answers "no such file" for a folder whose parent is there, as in `/proc`.
 *
 * @param mode of the folders that are made
 * @throws the error of the file system
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!isFolder(path)) throw error;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
