import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { matchingFiles, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import type { StoredCache } from './stored-cache.js';

/** Files that one cache may keep. */
const FILES_MAX = 100_000;

/** The files of a WorkingDirectory that its next run finds again. Never fails a task: it logs. */
export interface DirectoryCache {
  /** Unpacks what an earlier run has kept. */
  restore(): Promise<void>;
  /** Keeps the files that match, if one of them has changed. */
  save(): Promise<void>;
}

export interface DirectoryCacheOptions {
  readonly cache: StoredCache;
  readonly patterns: readonly string[];
  readonly directory: string;
  readonly context: Pick<TaskContext, 'files' | 'log' | 'signal'>;
}

export function createDirectoryCache(options: DirectoryCacheOptions): DirectoryCache {
  const { cache, patterns, directory, context } = options;
  let before: string | undefined;

  async function attempted(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      context.signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      context.log.write('WARN', `The cache of the working directory ${what}: ${reason}`);
    }
  }

  return {
    restore: () =>
      attempted('could not be restored', async () => {
        const names = await cache.restore(directory, () => context.files.temporaryDirectory());
        if (names) before = await imageOf(directory, names);
      }),
    save: () =>
      attempted('could not be kept', async () => {
        const names = await matchingFiles(directory, patterns);
        if (names.length > FILES_MAX) throw new TaskFailure(`${names.length} files match, more than ${FILES_MAX}`);
        if (before === (await imageOf(directory, names))) return;
        await cache.save(names.map((name) => [name, { path: join(directory, name) }] as const));
      }),
  };
}

/** What tells whether a file has changed. */
async function imageOf(directory: string, names: readonly string[]): Promise<string> {
  const files: string[] = [];
  for (const name of [...names].sort()) {
    const { size, mtimeMs, mode } = await stat(join(directory, name));
    files.push(`${name}\0${size}\0${mtimeMs}\0${mode}`);
  }
  return files.join('\n');
}
