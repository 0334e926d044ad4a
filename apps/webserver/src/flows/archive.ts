import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Flow } from '@millrace/model';
import { zipEntries, zipOf } from '@millrace/storage';
import { BODY_LIMITS } from '../http/body.js';
import { HttpError, unprocessable } from '../http/errors.js';

/** Bounds of an archive of flows, counted while it is read: what it says of itself may be a lie. */
export const ARCHIVE_LIMITS = {
  /** Of the file as it is sent. */
  bytes: 32 * 1024 * 1024,
  /** Of one file in it. */
  entryBytes: BODY_LIMITS.flow,
  /** Of all that is in it. */
  unpackedBytes: 64 * 1024 * 1024,
  entries: 2_000,
} as const;

/** A text of an archive. */
export interface ArchivedText {
  readonly name: string;
  readonly text: string;
}

/** Sends flows as a ZIP archive of their texts, one file each. */
export const sendArchive = (response: ServerResponse, flows: readonly Flow[]): Promise<void> =>
  sendTexts(
    response,
    'flows.zip',
    flows.map(({ namespace, id, source, updated }) => ({
      name: `${namespace}.${id}.yml`,
      text: source,
      date: updated,
    })),
  );

/** Sends texts as a ZIP archive. @param fileName plain letters */
export async function sendTexts(
  response: ServerResponse,
  fileName: string,
  texts: readonly (ArchivedText & { readonly date: number })[],
): Promise<void> {
  const archive = zipOf(texts.map(({ name, text, date }) => [name, { text, date }]));
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${fileName}"`,
  });
  await pipeline(archive, response);
}

const ZIP_SIGNATURE = Buffer.from('PK\u0003\u0004');

/** True for a ZIP archive with something in it. */
export const isArchive = (bytes: Buffer): boolean => bytes.subarray(0, ZIP_SIGNATURE.length).equals(ZIP_SIGNATURE);

/**
 * The YAML files of an archive; others and folders are left out.
 * @throws HttpError 413 above a limit, 422 for a damaged archive
 */
export async function readArchive(bytes: Buffer): Promise<readonly ArchivedText[]> {
  const texts: ArchivedText[] = [];
  let [entries, size] = [0, 0];
  try {
    for await (const { name, read } of zipEntries(bytes)) {
      if (++entries > ARCHIVE_LIMITS.entries)
        throw new HttpError(413, `The archive has more than ${ARCHIVE_LIMITS.entries} entries: send several`);
      if (!/\.ya?ml$/i.test(name)) continue;
      const content = await unpacked(await read(), name);
      size += content.length;
      if (size > ARCHIVE_LIMITS.unpackedBytes)
        throw new HttpError(413, `The archive holds more than ${ARCHIVE_LIMITS.unpackedBytes} bytes: send several`);
      texts.push({ name, text: new TextDecoder('utf-8', { fatal: true }).decode(content) });
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw damaged(error);
  }
  return texts;
}

/** A file of an archive, read no further than its limit. */
async function unpacked(content: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ARCHIVE_LIMITS.entryBytes)
      throw new HttpError(
        413,
        `'${name.slice(0, 80)}' in the archive is larger than ${ARCHIVE_LIMITS.entryBytes} bytes`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const damaged = (error: unknown): HttpError =>
  unprocessable(`The archive is damaged: ${error instanceof Error ? error.message : String(error)}`);
