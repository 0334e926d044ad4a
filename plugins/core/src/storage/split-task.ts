import { Type } from '@sinclair/typebox';
import { Dynamic, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';
import { pieces } from './pieces.js';
import { bytesOf, createSplitter } from './split.js';
import { extensionOf, fileProperty } from './uris.js';
import { writeParts } from './write-parts.js';

/** URIs that one output holds. */
const URIS_MAX = 10_000;

/** `core.storage.Split`: a text file becomes several. */
export const splitTask = defineTask({
  type: 'core.storage.Split',
  aliases: ['io.kestra.core.tasks.storages.Split'],
  kind: 'runnable',
  title: 'Divides a text file into several.',
  schema: taskSchema(
    {
      from: fileProperty('The file.'),
      rows: Type.Optional(Dynamic(Type.Integer({ minimum: 1, description: 'Lines of each file.' }))),
      bytes: Type.Optional(
        Dynamic(
          Type.Union([Type.String(), Type.Integer()], {
            description: 'A new file begins after so many, such as 10MB.',
          }),
        ),
      ),
      partitions: Type.Optional(
        Dynamic(Type.Integer({ minimum: 1, description: 'Number of files; lines go in turn.' })),
      ),
      regexPattern: Type.Optional(
        Dynamic(Type.String({ description: 'Lines with the same text in its first group go together.' })),
      ),
      separator: Type.Optional(Dynamic(Type.String({ minLength: 1, default: '\n', description: 'Between lines.' }))),
    },
    'Divides a text file into several.',
  ),
  outputs: Type.Object({ uris: Type.Array(Type.String(), { description: 'The files, in order.' }) }),
  async run({ from, rows, bytes, partitions, regexPattern, separator = '\n' }, context) {
    const splitter = createSplitter({
      rows,
      bytes: bytes === undefined ? undefined : bytesOf(bytes),
      partitions,
      regexPattern,
      separator,
    });
    const lines = pieces(await context.files.read(from), separator);
    const uris: string[] = [];
    for await (const uri of writeParts(lines, splitter, context, (part) => `part-${part}${extensionOf(from)}`)) {
      uris.push(uri);
      if (uris.length > URIS_MAX) {
        throw new Error(`The file has more than ${URIS_MAX} parts: take larger ones, or use core.flow.ForEachItem`);
      }
    }
    return { outputs: { uris } };
  },
});
