import { pipeline } from 'node:stream/promises';
import { isoDate, type NamespaceFile, type PlainObject } from '@millrace/model';
import { zipOf } from '@millrace/storage';
import { json, type Answer } from '../http/answer.js';
import { notFound, unprocessable } from '../http/errors.js';
import { readForm } from '../http/multipart.js';
import { permission, type Call, type Route } from '../http/route.js';
import { downloadHeaders } from './file-headers.js';
import type { RouteServices } from './services.js';

/** Paths that a search answers. */
const FOUND_MAX = 10_000;
const REVISION = { min: 1, max: 2 ** 31 - 1 } as const;

const FILES = '/namespaces/:namespace/files';
const reading = permission('NAMESPACE', 'READ_FILES', 'path');
const managing = permission('NAMESPACE', 'MANAGE_FILES', 'path');

/** Routes of the files of a namespace. */
export function namespaceFileRoutes(services: RouteServices): readonly Route[] {
  return [...fileListRoutes(services), ...fileReadRoutes(services), ...fileChangeRoutes(services)];
}

function fileListRoutes(services: RouteServices): readonly Route[] {
  const files = () => services.running().namespaceFiles;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: `${FILES}/directory`,
      parameters: ['path'],
      access: reading,
      summary: 'Files and folders in a folder',
      async handle({ scope, query, parameter }) {
        const found = await files().list(scope, parameter('namespace'), query.text('path') ?? '');
        return json(found.map(presentFile));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: `${FILES}/search`,
      parameters: ['q'],
      access: reading,
      summary: 'Paths of the files that hold a text',
      async handle({ scope, query, parameter }) {
        const wanted = query.required('q').toLowerCase();
        const found = (await files().files(scope, parameter('namespace'))).filter(({ path }) =>
          `/${path}`.toLowerCase().includes(wanted),
        );
        return json(found.slice(0, FOUND_MAX).map(({ path }) => `/${path}`));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: `${FILES}/export`,
      access: reading,
      summary: 'All files as a ZIP archive',
      handle: (call) => exportFiles(services, call),
    },
  ];
}

function fileReadRoutes(services: RouteServices): readonly Route[] {
  const files = () => services.running().namespaceFiles;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: FILES,
      parameters: ['path', 'revision'],
      access: reading,
      summary: 'The content of a file',
      async handle(call) {
        const file = await fileOf(services, call);
        if (file.type === 'directory') throw unprocessable(`'${file.path}' is a folder`);
        const content = await files().read(call.scope, file);
        call.response.writeHead(200, { ...downloadHeaders(nameOf(file)), 'Content-Length': file.size });
        await pipeline(content, call.response);
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: `${FILES}/stats`,
      parameters: ['path'],
      access: reading,
      summary: 'What is known of a file or folder',
      handle: async (call) => json(presentFile(await fileOf(services, call))),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: `${FILES}/revisions`,
      parameters: ['path'],
      access: reading,
      summary: 'The revisions of a file that are kept, the oldest first',
      async handle({ scope, query, parameter }) {
        const [namespace, path] = [parameter('namespace'), query.required('path')];
        const versions = await files().versions(scope, namespace, path);
        if (versions.length === 0) throw missing(namespace, path);
        return json(
          versions.map(({ version, size, updatedAt }) => ({ revision: version, size, updated: isoDate(updatedAt) })),
        );
      },
    },
  ];
}

function fileChangeRoutes(services: RouteServices): readonly Route[] {
  const files = () => services.running().namespaceFiles;
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: FILES,
      parameters: ['path'],
      body: { type: 'multipart/form-data' },
      access: managing,
      summary: "Write a file: the part 'fileContent' of a form",
      handle: (call) => upload(services, call),
    },
    {
      method: 'PUT',
      area: 'tenant',
      path: FILES,
      parameters: ['from', 'to'],
      access: managing,
      summary: 'Move a file, or a folder with all that is in it',
      async handle({ scope, query, parameter }) {
        await files().move(scope, parameter('namespace'), query.required('from'), query.required('to'));
        return { status: 200 };
      },
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: FILES,
      parameters: ['path'],
      access: managing,
      summary: 'Delete a file, or a folder with all that is in it',
      async handle({ scope, query, parameter }) {
        const [namespace, path] = [parameter('namespace'), query.required('path')];
        if (!(await files().find(scope, namespace, path))) throw missing(namespace, path);
        await files().remove(scope, namespace, path);
        return { status: 200 };
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: `${FILES}/directory`,
      parameters: ['path'],
      access: managing,
      summary: 'Make a folder',
      async handle({ scope, query, parameter }) {
        await files().makeFolder(scope, parameter('namespace'), query.required('path'));
        return { status: 200 };
      },
    },
  ];
}

const missing = (namespace: string, path: string) =>
  notFound(`There is no file '${path.slice(0, 200)}' in namespace '${namespace}'`);

const nameOf = ({ path }: NamespaceFile): string => path.slice(path.lastIndexOf('/') + 1);

async function fileOf({ running }: RouteServices, { scope, query, parameter }: Call): Promise<NamespaceFile> {
  const [namespace, path] = [parameter('namespace'), query.text('path') ?? ''];
  const revision = query.integer('revision', REVISION);
  const found = await running().namespaceFiles.find(scope, namespace, path, revision);
  if (!found) throw missing(namespace, path);
  return found;
}

/** A file or folder as the API shows it. */
const presentFile = (file: NamespaceFile): PlainObject => ({
  fileName: nameOf(file),
  type: file.type === 'file' ? 'File' : 'Directory',
  size: file.size,
  lastModifiedTime: file.updatedAt,
  creationTime: file.createdAt,
});

async function upload({ running }: RouteServices, { scope, query, request, parameter }: Call): Promise<Answer> {
  const [namespace, path] = [parameter('namespace'), query.required('path')];
  let saved: NamespaceFile | undefined;
  await readForm(request, async ({ name, content }) => {
    try {
      if (name === 'fileContent' && !saved)
        saved = await running().namespaceFiles.save(scope, { namespace, path, content });
    } finally {
      content.resume();
    }
  });
  if (!saved) throw unprocessable("The form has no file called 'fileContent': send one");
  return json(presentFile(saved));
}

async function exportFiles({ running }: RouteServices, { scope, parameter, response }: Call): Promise<void> {
  const namespace = parameter('namespace');
  const files = running().namespaceFiles;
  const found = await files.files(scope, namespace);
  const archive = zipOf(
    found.map((file) => [file.path, { date: file.updatedAt, open: () => files.read(scope, file) }] as const),
  );
  response.writeHead(200, downloadHeaders(`${namespace}_files.zip`));
  await pipeline(archive, response);
}
