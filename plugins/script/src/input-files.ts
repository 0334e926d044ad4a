import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TaskFailure, type TaskFiles } from '@millrace/plugin-api';

const FILES_MAX = 1_000;

/**
 * Makes the input files of a script in its working directory: each value is a content, or the URI of a stored file.
 * @throws TaskFailure when a name leads out of the directory or a file cannot be read
 */
export async function writeInputFiles(
  directory: string,
  inputFiles: Readonly<Record<string, string>>,
  files: Pick<TaskFiles, 'read'>,
): Promise<void> {
  const entries = Object.entries(inputFiles);
  if (entries.length > FILES_MAX)
    throw new TaskFailure(`inputFiles names ${entries.length} files, more than ${FILES_MAX}`);
  for (const [name, content] of entries) {
    const path = join(directory, checkedName(name));
    await mkdir(dirname(path), { recursive: true });
    try {
      if (content.startsWith('kestra://'))
        await pipeline(await files.read(content), createWriteStream(path, { mode: 0o600 }));
      else if (/^(nsfile|file):\/\//.test(content))
        throw new TaskFailure(`'${content}' is not available; use a kestra:/// URI`);
      else await writeFile(path, content, { mode: 0o600 });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TaskFailure(`The input file '${name}' cannot be made: ${reason}`, undefined, error);
    }
  }
}

/** The name as a path within the directory. @throws TaskFailure when it leads elsewhere */
export function checkedName(name: string): string {
  const parts = name.split('/');
  const inside = parts.every(
    (part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\\') && !part.includes('\0'),
  );
  if (!inside || Buffer.byteLength(name) > 1_024) {
    throw new TaskFailure(
      `The input file name ${JSON.stringify(name.slice(0, 120))} must be a path within the working directory, such as data/in.csv`,
    );
  }
  return name;
}
