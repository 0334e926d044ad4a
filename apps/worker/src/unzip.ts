import { createWriteStream } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { checkedName } from '@millrace/plugin-api';
import { zipEntries } from '@millrace/storage';

/** The largest number of files in a zip that is unpacked. */
const ENTRIES_MAX = 200_000;

/**
 * Unpacks a zip into a directory, files with their rights.
 * @returns names of the files
 * @throws an error when a name leads out of the directory
 */
export async function unzip(zipPath: string, directory: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, mode, read } of zipEntries(zipPath)) {
    if (name.endsWith('/')) continue;
    if (names.length >= ENTRIES_MAX) throw new Error(`the zip has more than ${ENTRIES_MAX} files`);
    const path = join(directory, checkedName(name));
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await read(), createWriteStream(path, { mode: 0o600 }));
    if (mode !== 0) await chmod(path, mode);
    names.push(name);
  }
  return names;
}
