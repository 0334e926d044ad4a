import { StorageError } from '../contract.js';

/** The code of an error of the operating system, such as ENOENT. */
export const systemCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** True when there is no such file, or a file stands where a folder would have to be. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'the server may not access the folder',
  EPERM: 'the server may not access the folder',
  EROFS: 'the folder is read-only',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk reported an error',
  EBUSY: 'the file is in use',
};

/** What callers are told of a failure of the file system. Errors that are not the system's are given back as they are. */
export function storageError(error: unknown, uri: string): unknown {
  const code = systemCode(error);
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code)) {
    return new StorageError(
      'INVALID_URI',
      `${uri} cannot be a file: it is a folder, or a file stands where its folder would be`,
      false,
      error,
    );
  }
  if (code === 'ENAMETOOLONG')
    return new StorageError('INVALID_URI', `${uri} is too long for this file system`, false, error);
  const reason = EXPLANATIONS[code] ?? `the file system answered ${code}`;
  return new StorageError('UNAVAILABLE', `Internal storage failed at ${uri}: ${reason}`, true, error);
}
