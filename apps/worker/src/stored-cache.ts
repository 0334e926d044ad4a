import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Scope } from '@millrace/authorization';
import type { Clock, Job } from '@millrace/model';
import { parseDuration } from '@millrace/plugin-api';
import { cacheUri, zipOf, type Storage, type ZipContent } from '@millrace/storage';
import { unzip } from './unzip.js';

/** One zip in internal storage that outlives its execution. */
export interface StoredCache {
  /** Unpacks it into `directory`; undefined when there is none that is young enough. Answers the names of its files. */
  restore(directory: string, temporaryDirectory: () => Promise<string>): Promise<readonly string[] | undefined>;
  save(entries: Iterable<readonly [name: string, content: ZipContent]>): Promise<void>;
}

/** @param ttl ISO-8601; without it a cache never grows too old */
export function createStoredCache(
  { job, storage, clock }: { readonly job: Job; readonly storage: Storage; readonly clock: Clock },
  key: string,
  ttl: string | undefined,
): StoredCache {
  const scope = Scope.system(job.tenant);
  const uri = cacheUri({ ...job, taskId: job.task.id, key });
  const oldest = ttl === undefined ? undefined : parseDuration(ttl);
  return {
    async restore(directory, temporaryDirectory) {
      const found = await storage.stat(scope, uri);
      if (found?.kind !== 'file') return undefined;
      if (oldest !== undefined && clock.now() - found.modifiedAt > oldest) return undefined;
      const path = join(await temporaryDirectory(), 'cache.zip');
      await pipeline(await storage.read(scope, uri), createWriteStream(path, { mode: 0o600 }));
      return unzip(path, directory);
    },
    async save(entries) {
      await storage.put(scope, uri, zipOf(entries));
    },
  };
}

/** A name for what follows from `parts`. */
export const cacheKey = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');
