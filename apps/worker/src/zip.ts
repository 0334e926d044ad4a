import { createWriteStream } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { checkedName } from '@millrace/plugin-api';
import { open as openZip, type Entry, type ZipFile } from 'yauzl';
import { ZipFile as NewZipFile } from 'yazl';

/** What goes into a zip: a file of the disk, or a text. */
export type ZipContent = { readonly path: string } | { readonly text: string };

/** A zip as a stream; its files are read one after the other, with their rights. */
export function zipOf(entries: Iterable<readonly [name: string, content: ZipContent]>): Readable {
  const zip = new NewZipFile();
  const output = zip.outputStream;
  if (!(output instanceof Readable)) throw new Error('The zip is no stream that can be stored');
  zip.on('error', (error: Error) => output.destroy(error));
  for (const [name, content] of entries) {
    if ('text' in content) zip.addBuffer(Buffer.from(content.text), name);
    else zip.addFile(content.path, name);
  }
  zip.end();
  return output;
}

/** The largest number of files in a zip that is unpacked. */
const ENTRIES_MAX = 200_000;

/**
 * Unpacks a zip into a directory, files with their rights.
 * @returns names of the files
 * @throws an error when a name leads out of the directory
 */
export async function unzip(zipPath: string, directory: string): Promise<readonly string[]> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    openZip(zipPath, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const names: string[] = [];
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      if (entry.fileName.endsWith('/')) continue;
      if (names.length >= ENTRIES_MAX) throw new Error(`the zip has more than ${ENTRIES_MAX} files`);
      const name = checkedName(entry.fileName);
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(await contentOf(zip, entry), createWriteStream(path, { mode: 0o600 }));
      const mode = (entry.externalFileAttributes >>> 16) & 0o777;
      if (mode !== 0) await chmod(path, mode);
      names.push(name);
    }
  } finally {
    zip.close();
  }
  return names;
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      zip.off('entry', onEntry);
      zip.off('end', onEnd);
      zip.off('error', onError);
    };
    const onEntry = (entry: Entry): void => {
      settle();
      resolve(entry);
    };
    const onEnd = (): void => {
      settle();
      resolve(undefined);
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    zip.on('entry', onEntry);
    zip.on('end', onEnd);
    zip.on('error', onError);
    zip.readEntry();
  });
}

function contentOf(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}
