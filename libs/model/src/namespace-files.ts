import type { VersionPurge } from './key-values.js';
import { keyOf } from './ids.js';

/** Bounds of namespace files: of a path as a whole, of versions that are kept. */
export const NAMESPACE_FILE_LIMITS = { pathLength: 512, pathPartBytes: 240, depth: 30, versions: 100 } as const;

/**
 * What is known of one version of a file of a namespace, or of a folder that somebody made; the content is in internal
 * storage. Immutable; the record `latest` is the newest.
 */
export interface NamespaceFile {
  readonly tenant: string;
  readonly namespace: string;
  /** Without a slash at the start: `scripts/load.py`. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** 1 for the first; goes on after a deletion. Numbers may be missing: each upload gets one, also one that failed. 0: folder. */
  readonly version: number;
  /** Bytes; 0 for folders. */
  readonly size: number;
  /** Of the path, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Of this version, in milliseconds since the epoch. */
  readonly updatedAt: number;
  readonly deleted: boolean;
}

/** Numbers that were given to uploads of a path; the newest is the last one. */
export interface NamespaceFileNumbers {
  readonly reserved: number;
}

interface FileAddress {
  readonly tenant: string;
  readonly namespace: string;
  readonly path: string;
}

/**
 * Commands to the owner of a path. An upload asks for a number, writes the content under it, and then says that it is
 * there: so two uploads at a time never write one file, and nobody reads half of one.
 */
export type NamespaceFileChange =
  | ({ readonly kind: 'reserve-file-version' } & FileAddress)
  | ({
      readonly kind: 'save-file-version';
      readonly version: number;
      readonly size: number;
      /** false: refused when the path has a file. */
      readonly overwrite: boolean;
    } & FileAddress)
  | ({ readonly kind: 'make-directory' } & FileAddress)
  | { readonly kind: 'delete-file' }
  | { readonly kind: 'purge-file'; readonly versions: VersionPurge };

/** The key of a path and of all its versions. */
export const namespaceFileKey = (tenant: string, namespace: string, path: string): string =>
  keyOf(tenant, 'file', namespace, path);

/** Id of the record that counts uploads, under the key of a path. */
export const FILE_NUMBERS = 'numbers';
