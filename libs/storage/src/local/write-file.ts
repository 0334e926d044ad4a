import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { StorageError } from '../contract.js';
import { isMissing, storageError, systemCode } from './file-errors.js';

/** A write that has not ended after this was cut off by a crash. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;

interface Written {
  readonly size: number;
  readonly modifiedAt: number;
}

/** Writes whole files: first beside everything else, then moved to their place in one step. */
export interface FileWriter {
  /** Answers the size in bytes and the time of the write, in milliseconds since the epoch. */
  write(path: string, uri: string, content: Readable | Uint8Array | string): Promise<Written>;
}

/** @param root unfinished files are kept in `.unfinished` there, on the same file system as their final place */
export function createFileWriter(root: string, bytesMax: number): FileWriter {
  const unfinished = join(root, '.unfinished');
  let prepared: Promise<void> | undefined;

  async function prepare(): Promise<void> {
    await mkdir(unfinished, { recursive: true });
    await sweep(unfinished);
  }

  return {
    async write(path, uri, content) {
      const temporary = join(unfinished, randomBytes(16).toString('hex'));
      try {
        await (prepared ??= prepare());
        const written = await writeDurably(temporary, content, bytesMax, uri);
        await moveInto(temporary, path);
        return written;
      } catch (error) {
        if (systemCode(error) !== undefined) prepared = undefined;
        // Whether it can be removed or not, the first error is the one to tell.
        await rm(temporary, { force: true }).catch(() => undefined);
        throw error instanceof StorageError ? error : storageError(error, uri);
      }
    },
  };
}

async function writeDurably(
  path: string,
  content: Readable | Uint8Array | string,
  bytesMax: number,
  uri: string,
): Promise<Written> {
  const file = await open(path, 'wx', 0o600);
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) {
      if (Buffer.byteLength(content) > bytesMax) throw tooLarge(uri, bytesMax);
      await file.writeFile(content);
    } else {
      await writeFile(file, limited(content, bytesMax, uri));
    }
    // A result that names the file is durable; the file must be too.
    await file.sync();
    const { size, mtimeMs } = await file.stat();
    return { size, modifiedAt: Math.floor(mtimeMs) };
  } finally {
    await file.close();
  }
}

async function* limited(content: Readable, bytesMax: number, uri: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of content) {
    const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(uri, bytesMax);
    yield piece;
  }
}

const tooLarge = (uri: string, bytesMax: number): StorageError =>
  new StorageError(
    'TOO_LARGE',
    `The content of ${uri} is larger than ${bytesMax} bytes, the limit of this storage`,
    false,
  );

async function moveInto(temporary: string, path: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    await mkdir(dirname(path), { recursive: true });
    try {
      return await rename(temporary, path);
    } catch (error) {
      // Somebody removed the folder, empty until now, in between.
      if (systemCode(error) !== 'ENOENT' || tries === 3) throw error;
    }
  }
}

/** Removes what crashed writers left behind. */
async function sweep(unfinished: string): Promise<void> {
  for (const name of await readdir(unfinished)) {
    const path = join(unfinished, name);
    try {
      if (Date.now() - (await stat(path)).mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}
