import { createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Type } from '@sinclair/typebox';
import { Dynamic, excerpt, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure } from '@millrace/plugin-api';
import { PIECE_LENGTH_MAX } from './pieces.js';
import { extensionOf, fileProperty } from './uris.js';

/** Bytes that are read at a time, from the end. */
const CHUNK = 256 * 1024;

/** `core.storage.Reverse`: the last line first. */
export const reverseTask = defineTask({
  type: 'core.storage.Reverse',
  aliases: ['io.kestra.core.tasks.storages.Reverse'],
  kind: 'runnable',
  title: 'Puts the lines of a file into reverse order.',
  schema: taskSchema(
    {
      from: fileProperty('The file.'),
      separator: Type.Optional(Dynamic(Type.String({ minLength: 1, default: '\n', description: 'Between lines.' }))),
      charset: Type.Optional(Dynamic(Type.String({ default: 'UTF-8', description: 'Of the file.' }))),
    },
    'Puts the lines of a file into reverse order.',
  ),
  outputs: Type.Object({ uri: Type.String({ description: 'The new file.' }) }),
  async run({ from, separator = '\n', charset = 'UTF-8' }, { files, signal }) {
    const path = join(await files.temporaryDirectory(), 'from');
    await pipeline(await files.read(from), createWriteStream(path), { signal });
    const lines = Readable.from(backwards(path, encoded(separator, charset)), { objectMode: false });
    return { outputs: { uri: await files.store(`reversed${extensionOf(from)}`, lines) } };
  },
});

/** The separator's bytes in the file. Lines are moved as bytes, so only these must be known. */
function encoded(separator: string, charset: string): Buffer {
  switch (charset.toUpperCase().replaceAll('_', '-')) {
    case 'UTF-8':
    case 'US-ASCII':
    case 'ASCII':
      return Buffer.from(separator, 'utf8');
    case 'ISO-8859-1':
    case 'ISO-8859-15':
    case 'WINDOWS-1252':
    case 'LATIN1':
      return Buffer.from(separator, 'latin1');
    case 'UTF-16LE':
      return Buffer.from(separator, 'utf16le');
    case 'UTF-16':
    case 'UTF-16BE':
      return Buffer.from(separator, 'utf16le').swap16();
    default:
      throw new TaskFailure(`The charset '${excerpt(charset)}' is not known: use UTF-8, ISO-8859-1 or UTF-16`);
  }
}

/** The lines from the end to the beginning, each with the separator behind it, some at a time. */
async function* backwards(path: string, separator: Buffer): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let size = 0;
  for await (const line of linesBackwards(path, separator)) {
    gathered.push(line);
    size += line.length;
    if (size < CHUNK) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    size = 0;
  }
  if (gathered.length > 0) yield Buffer.concat(gathered);
}

async function* linesBackwards(path: string, separator: Buffer): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let rest: Buffer = Buffer.alloc(0);
    let isLast = true;
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - CHUNK);
      rest = Buffer.concat([await readAt(file, start, end), rest]);
      end = start;
      for (let at = rest.lastIndexOf(separator); at >= 0; at = rest.lastIndexOf(separator)) {
        const line = rest.subarray(at + separator.length);
        rest = rest.subarray(0, at);
        // Nothing behind the last separator is no line.
        if (!(isLast && line.length === 0)) yield Buffer.concat([line, separator]);
        isLast = false;
        if (at === 0) break;
      }
      if (rest.length > PIECE_LENGTH_MAX) throw new TaskFailure(`A line has more than ${PIECE_LENGTH_MAX} bytes`);
    }
    if (size > 0) yield Buffer.concat([rest, separator]);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}
