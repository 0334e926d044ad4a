import type { Readable } from 'node:stream';
import type { Scope } from '@millrace/authorization';

/** A file or a folder in internal storage. */
export interface StoredFile {
  /** `kestra:///…`; the tenant is not part of it (spec expressions.md §6). */
  readonly uri: string;
  readonly kind: 'file' | 'directory';
  /** Bytes; 0 for folders. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/**
 * Internal storage: files by URI, kept apart by tenant. The tenant is chosen by the scope, never by the URI. Every URI
 * is checked: only `kestra:///` paths, no `..`, no empty or `.` segments, no control characters, at most 1,024
 * characters; a URI outside the scope's namespaces is answered like one that does not exist.
 */
export interface Storage {
  /**
   * Writes a whole file: readers see the old content or the new one, never a part. Durable when it resolves.
   * @throws StorageError TOO_LARGE; INVALID_URI also when the URI is a folder or goes through a file; an error of the
   * content's own stream is passed on as it is
   */
  put(scope: Scope, uri: string, content: Readable | Uint8Array | string): Promise<StoredFile>;
  /**
   * @param range bytes from `start` to `end`, both included and counted from 0; beyond the end there is nothing
   * @throws StorageError NOT_FOUND, also for a folder
   */
  read(scope: Scope, uri: string, range?: { readonly start: number; readonly end?: number }): Promise<Readable>;
  stat(scope: Scope, uri: string): Promise<StoredFile | undefined>;
  /** Files and folders directly below; empty when there is no such folder. Sorted by URI. */
  list(scope: Scope, uri: string): Promise<readonly StoredFile[]>;
  /** Removes a file, or a folder with all below it. Answers how many files went. */
  remove(scope: Scope, uri: string): Promise<number>;
  close(): Promise<void>;
}

export class StorageError extends Error {
  override readonly name = 'StorageError';
  constructor(
    readonly code: 'NOT_FOUND' | 'INVALID_URI' | 'UNAVAILABLE' | 'TOO_LARGE',
    message: string,
    readonly retryable: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
