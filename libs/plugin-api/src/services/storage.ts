/** A file or a folder in internal storage. */
export interface TaskStoredFile {
  readonly uri: string;
  readonly kind: 'file' | 'directory';
  /** Bytes. */
  readonly size: number;
}

/** The folders of internal storage in which a task run may do as it likes, and what it may do there. */
export interface TaskStorage {
  /** All files of this execution. */
  readonly executionFolder: string;
  /** States that executions of this flow leave for later ones. */
  readonly flowStates: string;
  /** States that executions of this namespace's flows leave for later ones. */
  readonly namespaceStates: string;
  /** Directly below a folder, sorted by URI; empty when there is no such folder. */
  list(uri: string): Promise<readonly TaskStoredFile[]>;
  /** The whole of a file as text; undefined when it is not there. @throws an error when it has more than 16 MiB */
  read(uri: string): Promise<string | undefined>;
  write(uri: string, content: string): Promise<void>;
  /** A file, or a folder with all in it; answers how many files went. */
  remove(uri: string): Promise<number>;
}
