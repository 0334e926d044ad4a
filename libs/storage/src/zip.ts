import { PassThrough, pipeline, Readable } from 'node:stream';
import { fromBuffer, open, type Entry, type ZipFile } from 'yauzl';
import { ZipFile as ZipWriter } from 'yazl';

/** A file or folder of a ZIP archive. The name of a folder ends with a slash. */
export interface ZipEntry {
  readonly name: string;
  /** Rights as the archive has them; 0 when it has none. */
  readonly mode: number;
  /** What it says of its size may be a lie: count while reading. */
  readonly read: () => Promise<Readable>;
}

/**
 * Entries of an archive in its order, each found when the one before is done with. Closes the archive at the end.
 * @param archive its bytes, or the path of a file
 * @throws Error when it is damaged, or a name leads out of it
 */
export async function* zipEntries(archive: Buffer | string): AsyncGenerator<ZipEntry> {
  const zip = await opened(archive);
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      const found = entry;
      yield {
        name: found.fileName,
        mode: (found.externalFileAttributes >>> 16) & 0o777,
        read: () => contentOf(zip, found),
      };
    }
  } finally {
    zip.close();
  }
}

/** What goes into a ZIP archive: a file of the disk with its rights, a text, or a stream opened when its turn comes. */
export type ZipContent = { readonly path: string } | ({ readonly date?: number } & (TextContent | StreamContent));
interface TextContent {
  readonly text: string;
}
interface StreamContent {
  readonly open: () => Promise<Readable>;
}

/** A ZIP archive as a stream; its files are read one after the other. Destroyed with the error of a file that cannot be read. */
export function zipOf(entries: Iterable<readonly [name: string, content: ZipContent]>): Readable {
  const zip = new ZipWriter();
  const output = new PassThrough();
  // Whoever reads the output sees the error; a reader that leaves ends the archive.
  pipeline(zip.outputStream, output, () => undefined);
  zip.on('error', (error: Error) => output.destroy(error));
  for (const [name, content] of entries) add(zip, name, content);
  zip.end();
  return output;
}

function add(zip: ZipWriter, name: string, content: ZipContent): void {
  if ('path' in content) return zip.addFile(content.path, name);
  const options = content.date === undefined ? {} : { mtime: new Date(content.date) };
  if ('text' in content) return zip.addBuffer(Buffer.from(content.text), name, options);
  zip.addReadStreamLazy(name, options, (give) => {
    content.open().then(
      (stream) => give(null, stream),
      (error: unknown) => give(error, Readable.from([])),
    );
  });
}

const OPTIONS = { lazyEntries: true, strictFileNames: true } as const;

const opened = (archive: Buffer | string): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    const settle = (error: Error | null, zip: ZipFile): void => (error ? reject(error) : resolve(zip));
    if (typeof archive === 'string') open(archive, OPTIONS, settle);
    else fromBuffer(archive, OPTIONS, settle);
  });

/** The next entry; undefined at the end. */
function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => () => {
      for (const event of ['entry', 'end', 'error']) zip.removeAllListeners(event);
      then();
    };
    zip.once('entry', (entry: Entry) => settle(() => resolve(entry))());
    zip.once(
      'end',
      settle(() => resolve(undefined)),
    );
    zip.once('error', (error: Error) => settle(() => reject(error))());
    zip.readEntry();
  });
}

const contentOf = (zip: ZipFile, entry: Entry): Promise<Readable> =>
  new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
