import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isPlainObject } from '@millrace/model';
import { TaskFailure, type TaskFiles } from '../task-type.js';

const FILES_MAX = 1_000;
const STORED = /^(kestra|nsfile|file):\/\//;

/** A map of contents or URIs by name as it is written in a flow: a map, or JSON text of one. */
export type WrittenFiles = Readonly<Record<string, unknown>> | string;

/**
 * The contents or URIs by name; what is neither text nor nothing becomes JSON.
 * @throws TaskFailure when it is text that is no map as JSON
 */
export function filesByName(written: WrittenFiles | undefined, property: string): Readonly<Record<string, string>> {
  const map = typeof written === 'string' ? parsedMap(written) : (written ?? {});
  if (!isPlainObject(map)) throw new TaskFailure(`Property '${property}' must be a map, or text that is one as JSON`);
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value),
    ]),
  );
}

function parsedMap(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // The caller says what it needs.
    return undefined;
  }
}

/**
 * Makes the input files of a task in its working directory: each value is a content, or the URI of a file
 * (`kestra:///…`, `nsfile:///…`, `file:///…`).
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
      if (STORED.test(content)) await pipeline(await files.read(content), createWriteStream(path, { mode: 0o600 }));
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
