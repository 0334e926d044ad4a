import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import { Dynamic, taskSchema } from '@millrace/model';
import { defineTask, filesByName, listOf, storeOutputFiles, TaskFailure, writeInputFiles } from '@millrace/plugin-api';
import { fileProperty } from './uris.js';

/** Files that one task joins. */
const FILES_MAX = 100_000;

const fileList = Dynamic(
  Type.Union([Type.Array(Type.String()), Type.String()], {
    description: 'URIs of the files: a list, JSON of a list, or one.',
  }),
);

function urisOf(files: string | readonly string[]): readonly string[] {
  const list = typeof files === 'string' ? parsedList(files) : files;
  if (list.length > FILES_MAX) throw new TaskFailure(`${list.length} files are too many: at most ${FILES_MAX}`);
  return list;
}

function parsedList(text: string): readonly string[] {
  if (!text.trim().startsWith('[')) return [text];
  const parsed: unknown = JSON.parse(text);
  if (Array.isArray(parsed) && parsed.every((one) => typeof one === 'string')) return parsed;
  throw new TaskFailure("Property 'files' must be a list of URIs");
}

/** `core.storage.Concat`: several files become one. */
export const concatTask = defineTask({
  type: 'core.storage.Concat',
  aliases: ['io.kestra.core.tasks.storages.Concat'],
  kind: 'runnable',
  title: 'Joins files into one.',
  schema: taskSchema(
    {
      files: fileList,
      separator: Type.Optional(Dynamic(Type.String({ description: 'Put behind every file.' }))),
      extension: Type.Optional(
        Dynamic(Type.String({ default: '.tmp', pattern: '^\\.?[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: 32 })),
      ),
    },
    'Joins files into one.',
  ),
  outputs: Type.Object({ uri: Type.String({ description: 'The file.' }) }),
  async run({ files: written, separator, extension = '.tmp' }, { files, signal }) {
    async function* content(): AsyncGenerator<unknown> {
      for (const uri of urisOf(written)) {
        signal.throwIfAborted();
        yield* await files.read(uri);
        if (separator !== undefined && separator !== '') yield separator;
      }
    }
    const suffix = extension.startsWith('.') ? extension : `.${extension}`;
    return { outputs: { uri: await files.store(`concat${suffix}`, Readable.from(content(), { objectMode: false })) } };
  },
});

/** `core.storage.Size`: how large a file is. */
export const sizeTask = defineTask({
  type: 'core.storage.Size',
  aliases: ['io.kestra.core.tasks.storages.Size'],
  kind: 'runnable',
  title: 'Tells the size of a file.',
  schema: taskSchema({ uri: fileProperty('The file.') }, 'Tells the size of a file.'),
  outputs: Type.Object({ size: Type.Integer({ description: 'Bytes.' }) }),
  run: async ({ uri }, { files }) => ({ outputs: { size: await files.size(uri) } }),
});

/** `core.storage.Delete`: removes a file. */
export const deleteTask = defineTask({
  type: 'core.storage.Delete',
  aliases: ['io.kestra.core.tasks.storages.Delete'],
  kind: 'runnable',
  title: 'Removes a file.',
  schema: taskSchema(
    {
      uri: fileProperty('The file.'),
      errorOnMissing: Type.Optional(
        Dynamic(Type.Boolean({ default: false, description: 'Fail when it is not there.' })),
      ),
    },
    'Removes a file from internal storage.',
  ),
  outputs: Type.Object({
    uri: Type.String({ description: 'The file.' }),
    deleted: Type.Boolean({ description: 'It was there.' }),
  }),
  async run({ uri, errorOnMissing = false }, { files }) {
    const deleted = await files.remove(uri);
    if (!deleted && errorOnMissing) throw new TaskFailure(`There is no file ${uri} in internal storage`);
    return { outputs: { uri, deleted } };
  },
});

/** `core.storage.LocalFiles`: files by name for other tasks. Older form of `inputFiles` and `outputFiles`. */
export const localFilesTask = defineTask({
  type: 'core.storage.LocalFiles',
  aliases: ['io.kestra.core.tasks.storages.LocalFiles'],
  kind: 'runnable',
  deprecated: true,
  title: 'Makes files; use inputFiles and outputFiles.',
  schema: taskSchema(
    {
      inputs: Type.Optional(
        Dynamic(
          Type.Union([Type.Object({}, { additionalProperties: true }), Type.String()], {
            description: 'A content or a URI by name.',
          }),
        ),
      ),
      outputs: Type.Optional(
        Dynamic(
          Type.Union([Type.Array(Type.String()), Type.String()], {
            description: 'Patterns of files that are kept; without it all inputs.',
          }),
        ),
      ),
    },
    'Makes files of contents, by name.',
  ),
  outputs: Type.Object({
    uris: Type.Object({}, { additionalProperties: true, description: 'URIs of the files by name.' }),
  }),
  async run({ inputs, outputs }, context) {
    const directory = await context.files.workingDirectory();
    const byName = filesByName(inputs, 'inputs');
    await writeInputFiles(directory, byName, context.files);
    const wanted = listOf(outputs);
    const patterns = wanted.length > 0 ? wanted : Object.keys(byName);
    return { outputs: { uris: await storeOutputFiles({ workingDirectory: directory }, patterns, context) } };
  },
});
