import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { executionFolderUri, isInside, type StoredFile } from '@millrace/storage';
import { PREVIEW_ROWS } from '../configuration.js';
import { json, type Answer } from '../http/answer.js';
import { notFound, unprocessable } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import { downloadHeaders } from './file-headers.js';
import type { RouteServices } from './services.js';

/** Characters of a preview's row, and bytes read for all rows. */
const ROW_LENGTH_MAX = 10_000;
const PREVIEW_BYTES_MAX = 5 * 1024 * 1024;

/** Routes of the files of an execution. */
export function fileRoutes(services: RouteServices): readonly Route[] {
  const { storage } = services;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId/file',
      parameters: ['path'],
      access: permission('EXECUTION', 'ACCESS_FILES', 'entity'),
      summary: 'A file of an execution',
      async handle(call) {
        const file = await fileOf(services, call);
        const content = await storage.read(call.scope, file.uri);
        call.response.writeHead(200, { ...downloadHeaders(nameOf(file)), 'Content-Length': file.size });
        await pipeline(content, call.response);
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId/file/metas',
      parameters: ['path'],
      access: permission('EXECUTION', 'ACCESS_FILES', 'entity'),
      summary: 'Size of a file of an execution',
      handle: async (call) => json({ size: (await fileOf(services, call)).size }),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId/file/preview',
      parameters: ['path', 'maxRows', 'encoding'],
      access: permission('EXECUTION', 'ACCESS_FILES', 'entity'),
      summary: 'First rows of a text file of an execution',
      handle: (call) => preview(services, call),
    },
  ];
}

const nameOf = ({ uri }: StoredFile): string => uri.slice(uri.lastIndexOf('/') + 1);

/** The file that `path` names. @throws HttpError 404 when it is unknown, 422 when it is no file of this execution */
async function fileOf(services: RouteServices, call: Call): Promise<StoredFile> {
  const { head } = await services.running().executions.get(call.scope, call.parameter('executionId'));
  const uri = call.query.required('path');
  const folder = executionFolderUri({ namespace: head.namespace, flowId: head.flowId, executionId: head.executionId });
  if (!isInside(folder, uri))
    throw unprocessable('The file does not belong to this execution', [
      { message: 'is no file of this execution', path: 'path' },
    ]);
  const file = await services.storage.stat(call.scope, uri);
  if (file?.kind !== 'file') throw notFound('There is no such file');
  return file;
}

async function preview(services: RouteServices, call: Call): Promise<Answer> {
  const { initialRows, maxRows } = services.configuration.preview ?? PREVIEW_ROWS;
  const rows = call.query.integer('maxRows', { min: 1, max: maxRows }) ?? initialRows;
  const encoding = call.query.text('encoding') ?? 'UTF-8';
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(encoding);
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_ENCODING_NOT_SUPPORTED')
      throw unprocessable(`The encoding '${encoding.slice(0, 40)}' is not known`);
    throw error;
  }
  const file = await fileOf(services, call);
  const { lines, truncated } = await firstLines(await services.storage.read(call.scope, file.uri), decoder, rows);
  const name = nameOf(file);
  const dot = name.lastIndexOf('.');
  return json({ extension: dot < 0 ? '' : name.slice(dot + 1), type: 'TEXT', content: lines.join('\n'), truncated });
}

async function firstLines(
  content: Readable,
  decoder: InstanceType<typeof TextDecoder>,
  rows: number,
): Promise<{ lines: readonly string[]; truncated: boolean }> {
  let text = '';
  let bytes = 0;
  let ended = true;
  for await (const chunk of content) {
    const piece: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    bytes += piece.length;
    text += decoder.decode(piece, { stream: true });
    if (bytes > PREVIEW_BYTES_MAX || countLines(text) > rows + 1) {
      ended = false;
      break;
    }
  }
  content.destroy();
  const all = (text + decoder.decode()).split(/\r?\n/);
  if (ended && all.at(-1) === '') all.pop();
  const lines = all.slice(0, rows).map((line) => line.slice(0, ROW_LENGTH_MAX));
  return { lines, truncated: !ended || all.length > rows || all.some((line) => line.length > ROW_LENGTH_MAX) };
}

function countLines(text: string): number {
  let count = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
