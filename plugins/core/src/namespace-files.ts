import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Dynamic, MapOf, taskSchema } from '@millrace/model';
import { createGlob, defineTask, listOf, matchingFiles, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { namespaceChooser, patternChooser, purgedNamespaces, VersionBehavior, versionPurge } from './purge-behavior.js';

/** Files that one task may upload, download or delete. */
const FILES_MAX = 10_000;

const namespace = Dynamic(Type.String({ minLength: 1, description: 'The namespace.' }));
const patterns = (description: string) =>
  Dynamic(Type.Union([Type.Array(Type.String({ minLength: 1 })), Type.String({ minLength: 1 })], { description }));

/** Without slashes at its ends; empty for the root. */
const folderOf = (destination: string): string => destination.replace(/^\/+|\/+$/g, '');
const below = (folder: string, path: string): string => (folder === '' ? path : `${folder}/${path}`);

function checkCount(count: number): void {
  if (count > FILES_MAX) throw new TaskFailure(`${count} files are too many for one task: at most ${FILES_MAX}`);
}

/** Whether a path matches one of the patterns, which may begin with a slash. */
function chooserOf(files: readonly string[] | string): (path: string) => boolean {
  const globs = listOf(files).map((pattern) => createGlob(pattern.replace(/^\/+/, '')));
  return (path) => globs.some((matches) => matches(path));
}

const CONFLICTS = ['OVERWRITE', 'ERROR', 'SKIP'] as const;

/** `core.namespace.UploadFiles`: files of the working directory, or of storage, become files of a namespace. */
export const uploadFilesTask = defineTask({
  type: 'core.namespace.UploadFiles',
  kind: 'runnable',
  title: 'Writes files into a namespace.',
  schema: taskSchema(
    {
      namespace,
      files: Type.Optional(patterns('Files of the working directory: names or patterns.')),
      filesMap: Type.Optional(
        Dynamic(
          Type.Union([MapOf(Type.String()), Type.String()], {
            description: 'URIs of files in storage by their path in the namespace.',
          }),
        ),
      ),
      destination: Type.Optional(
        Dynamic(Type.String({ default: '/', description: 'Folder of the namespace in which they are put.' })),
      ),
      conflict: Type.Optional(
        Dynamic(
          Type.Unsafe<(typeof CONFLICTS)[number]>({
            type: 'string',
            enum: [...CONFLICTS],
            default: 'OVERWRITE',
            description: 'What happens when a file is there.',
          }),
        ),
      ),
    },
    'Writes files into a namespace.',
  ),
  outputs: Type.Object({ files: MapOf(Type.String(), { description: 'URIs of the files by their path.' }) }),
  async run({ namespace: to, files: wanted, filesMap, destination = '/', conflict = 'OVERWRITE' }, context) {
    const sources = [...(await fromDirectory(wanted, context)), ...fromMap(filesMap)];
    if (wanted === undefined && filesMap === undefined)
      throw new TaskFailure("Give 'files' or 'filesMap', to say which files are written");
    checkCount(sources.length);
    const folder = folderOf(destination);
    const { namespaceFiles } = context.services;
    const known = new Set(conflict === 'OVERWRITE' ? [] : await namespaceFiles.paths(to));
    const uris: Record<string, string> = {};
    for (const { path: name, open } of sources) {
      context.signal.throwIfAborted();
      const path = below(folder, name);
      if (known.has(path) && conflict === 'SKIP') continue;
      if (known.has(path)) throw new TaskFailure(`The file '${path}' is in namespace '${to}' already`);
      uris[path] = await namespaceFiles.save(to, path, await open(context), conflict === 'OVERWRITE');
    }
    return { outputs: { files: uris } };
  },
});

interface Source {
  readonly path: string;
  open(context: TaskContext): Promise<NodeJS.ReadableStream>;
}

async function fromDirectory(
  wanted: readonly string[] | string | undefined,
  { files, log }: TaskContext,
): Promise<readonly Source[]> {
  if (wanted === undefined) return [];
  const directory = await files.workingDirectory();
  const names = await matchingFiles(directory, listOf(wanted));
  if (names.length === 0) log.write('WARN', 'No file of the working directory matches: nothing is written');
  return names.map((name) => ({ path: name, open: async () => createReadStream(join(directory, name)) }));
}

function fromMap(written: Readonly<Record<string, string>> | string | undefined): readonly Source[] {
  if (written === undefined) return [];
  const map: unknown = typeof written === 'string' ? parsed(written) : written;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new TaskFailure("Property 'filesMap' must be a map of paths to URIs");
  return Object.entries(map).map(([path, uri]) => {
    if (typeof uri !== 'string') throw new TaskFailure(`'filesMap' needs a URI for '${path}'`);
    return { path: path.replace(/^\/+/, ''), open: ({ files }) => files.read(uri) };
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TaskFailure("Property 'filesMap' must be a map of paths to URIs, or JSON of one", undefined, error);
  }
}

/** `core.namespace.DownloadFiles`: files of a namespace become files of the execution. */
export const downloadFilesTask = defineTask({
  type: 'core.namespace.DownloadFiles',
  kind: 'runnable',
  title: 'Copies files of a namespace into the execution.',
  schema: taskSchema(
    {
      namespace,
      files: patterns('Files of the namespace: paths or patterns.'),
      destination: Type.Optional(Dynamic(Type.String({ default: '', description: 'Folder before their names.' }))),
    },
    'Copies files of a namespace into the execution.',
  ),
  outputs: Type.Object({ files: MapOf(Type.String(), { description: 'URIs of the copies by their path.' }) }),
  async run({ namespace: from, files: wanted, destination = '' }, { namespaceFiles, files, signal }) {
    const isWanted = chooserOf(wanted);
    const found = (await namespaceFiles.list(from)).filter(({ path }) => isWanted(path));
    checkCount(found.length);
    const folder = folderOf(destination);
    const uris: Record<string, string> = {};
    for (const { path, version } of found) {
      signal.throwIfAborted();
      const name = below(folder, path);
      uris[name] = await files.store(name, await namespaceFiles.read(from, path, version));
    }
    return { outputs: { files: uris } };
  },
});

/** `core.namespace.DeleteFiles`: deletes files of a namespace. */
export const deleteFilesTask = defineTask({
  type: 'core.namespace.DeleteFiles',
  kind: 'runnable',
  title: 'Deletes files of a namespace.',
  schema: taskSchema(
    {
      namespace,
      files: patterns('Files of the namespace: paths or patterns.'),
      deleteParentFolder: Type.Optional(
        Dynamic(Type.Boolean({ default: false, description: 'Also folders that are empty then.' })),
      ),
    },
    'Deletes files of a namespace; their versions stay until they are purged.',
  ),
  outputs: Type.Object({ files: Type.Array(Type.String(), { description: 'Paths of the deleted files.' }) }),
  async run({ namespace: from, files: wanted, deleteParentFolder = false }, { services, signal }) {
    const isWanted = chooserOf(wanted);
    const found = (await services.namespaceFiles.paths(from)).filter(isWanted);
    checkCount(found.length);
    const deleted: string[] = [];
    for (const path of found) {
      signal.throwIfAborted();
      deleted.push(...(await services.namespaceFiles.remove(from, path)));
    }
    if (deleteParentFolder) await removeEmptyFolders(from, deleted, services.namespaceFiles);
    return { outputs: { files: deleted } };
  },
});

/** A folder that somebody made stays when its last file goes, unless it is deleted too. */
async function removeEmptyFolders(
  from: string,
  deleted: readonly string[],
  files: TaskContext['services']['namespaceFiles'],
): Promise<void> {
  const left = await files.paths(from);
  const folders = new Set(
    deleted.flatMap((path) => (path.includes('/') ? [path.slice(0, path.lastIndexOf('/'))] : [])),
  );
  for (const folder of folders) {
    if (!left.some((path) => path.startsWith(`${folder}/`))) await files.remove(from, folder);
  }
}

/** `core.namespace.PurgeFiles`: removes old versions of files for good. */
export const purgeFilesTask = defineTask({
  type: 'core.namespace.PurgeFiles',
  kind: 'runnable',
  title: 'Removes old versions of namespace files for good.',
  schema: taskSchema(
    {
      filePattern: Type.Optional(Dynamic(Type.String({ minLength: 1, description: 'Paths by a pattern.' }))),
      ...purgedNamespaces,
      behavior: Type.Optional({ ...VersionBehavior, default: { type: 'version', keepAmount: 1 } }),
    },
    'Removes old versions of the files of namespaces for good, never the newest of a file that is there.',
  ),
  outputs: Type.Object({ size: Type.Integer({ description: 'Versions that were removed.' }) }),
  async run({ filePattern, behavior = { keepAmount: 1 }, ...chosen }, { services, signal }) {
    const isChosen = namespaceChooser(chosen);
    const matches = patternChooser(filePattern?.replace(/^\/+/, ''));
    const versions = versionPurge(behavior);
    let size = 0;
    for (const one of (await services.namespaceFiles.namespaces()).filter(isChosen)) {
      for (const path of (await services.namespaceFiles.everyPath(one)).filter(matches)) {
        signal.throwIfAborted();
        size += await services.namespaceFiles.purge(one, path, versions);
      }
    }
    return { outputs: { size } };
  },
});
