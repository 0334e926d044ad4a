import type { VersionPurge } from '@millrace/model';

/** Changes to the files of namespaces; `TaskContext.namespaceFiles` reads them. Paths are without a leading slash. */
export interface TaskNamespaceFiles {
  /** Paths of the files of a namespace, sorted. */
  paths(namespace: string): Promise<readonly string[]>;
  /** As `paths`, with deleted files whose versions are still there. */
  everyPath(namespace: string): Promise<readonly string[]>;
  /** Namespaces that have or had files, sorted. */
  namespaces(): Promise<readonly string[]>;
  /**
   * Writes a new version. @param overwrite false: refused when the file is there
   * @returns its `kestra:///…` URI
   */
  save(
    namespace: string,
    path: string,
    content: NodeJS.ReadableStream | Uint8Array | string,
    overwrite: boolean,
  ): Promise<string>;
  /** Deletes a file, or a folder with all that is in it; answers the paths of the files. */
  remove(namespace: string, path: string): Promise<readonly string[]>;
  /** Removes versions for good, never the newest of a file that is not deleted; answers how many. */
  purge(namespace: string, path: string, versions: VersionPurge): Promise<number>;
}
