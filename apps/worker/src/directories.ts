import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The directories of one attempt. */
export interface AttemptDirectories {
  /** Where the user's files are; made at the first call. */
  working(): Promise<string>;
  /** Of the attempt alone; made at the first call. */
  temporary(): Promise<string>;
  /** Takes away what was made. */
  remove(): Promise<void>;
}

/** @param parent where they are made. @param shared the working directory of a WorkingDirectory, which removes it itself */
export function createDirectories(parent: string, shared?: () => Promise<string>): AttemptDirectories {
  const made: Promise<string>[] = [];
  const makeOnce = (prefix: string): (() => Promise<string>) => {
    let directory: Promise<string> | undefined;
    return () => {
      if (!directory) made.push((directory = makeDirectory(parent, prefix)));
      return directory;
    };
  };
  return {
    working: shared ?? makeOnce('task-'),
    temporary: makeOnce('own-'),
    async remove() {
      for (const directory of made) await rm(await directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function makeDirectory(parent: string, prefix: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  // The user's own code runs there: no other account may look inside.
  return mkdtemp(join(parent, prefix));
}
