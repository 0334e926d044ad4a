import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import type { TaskContext } from '@millrace/plugin-api';
import type { PlacedLine, Splitter } from './split.js';

/** Characters that are gathered for a part before they are written. */
const GATHERED = 64 * 1024;

/** Where parts are stored. */
export type PartFiles = Pick<TaskContext['files'], 'store' | 'temporaryDirectory'>;

/**
 * Divides lines into files of internal storage; answers their URIs in the order of the parts, one at a time, as soon as
 * each is stored. Memory does not grow with the lines.
 * @param nameOf the file's name for a part
 */
export async function* writeParts(
  lines: AsyncIterable<string>,
  splitter: Splitter,
  { files, signal }: { readonly files: PartFiles; readonly signal: AbortSignal },
  nameOf: (part: number) => string,
): AsyncGenerator<string> {
  const placed = placedLines(lines, splitter, signal);
  if (splitter.isInOrder) yield* oneAfterTheOther(placed, files, nameOf);
  else yield* sideBySide(placed, files, nameOf);
}

async function* placedLines(
  lines: AsyncIterable<string>,
  splitter: Splitter,
  signal: AbortSignal,
): AsyncGenerator<PlacedLine> {
  for await (const line of lines) {
    signal.throwIfAborted();
    const placed = splitter.place(line);
    if (placed) yield placed;
  }
}

async function* oneAfterTheOther(
  placed: AsyncIterable<PlacedLine>,
  files: PartFiles,
  nameOf: (part: number) => string,
): AsyncGenerator<string> {
  let open: { readonly part: number; gathered: string; stream?: PassThrough; stored?: Promise<string> } | undefined;
  const close = async (): Promise<string[]> => {
    if (!open) return [];
    const { stream, stored, part, gathered } = open;
    open = undefined;
    // A small part is written at once, without a stream of its own.
    if (!stream || !stored) return [await files.store(nameOf(part), gathered)];
    stream.end(gathered);
    return [await stored];
  };
  for await (const { part, text } of placed) {
    if (open && open.part !== part) yield* await close();
    open ??= { part, gathered: '' };
    open.gathered += text;
    if (open.gathered.length < GATHERED) continue;
    if (!open.stream) {
      open.stream = new PassThrough();
      open.stored = files.store(nameOf(part), open.stream);
      // Told to whoever closes the part.
      open.stored.catch(() => undefined);
    }
    const { stream, gathered, stored } = open;
    open.gathered = '';
    if (!stream.write(gathered)) await Promise.race([once(stream, 'drain'), stored]);
  }
  yield* await close();
}

async function* sideBySide(
  placed: AsyncIterable<PlacedLine>,
  files: PartFiles,
  nameOf: (part: number) => string,
): AsyncGenerator<string> {
  const directory = await files.temporaryDirectory();
  const path = (part: number): string => join(directory, `part-${part}`);
  const gathered = new Map<number, string>();
  let parts = 0;
  for await (const { part, text } of placed) {
    parts = Math.max(parts, part + 1);
    const content = (gathered.get(part) ?? '') + text;
    if (content.length < GATHERED) gathered.set(part, content);
    else {
      gathered.delete(part);
      await appendFile(path(part), content);
    }
  }
  for (let part = 0; part < parts; part++) {
    await appendFile(path(part), gathered.get(part) ?? '');
    yield await files.store(nameOf(part), createReadStream(path(part)));
  }
}
