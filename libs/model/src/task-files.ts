import { Type, type Static } from '@sinclair/typebox';
import { Dynamic, MapOf } from './schema.js';

const globs = (description: string) =>
  Type.Optional(Dynamic(Type.Union([Type.Array(Type.String()), Type.String()], { description })));

/** Which files of namespaces a task finds in its working directory (spec tasks.md §6). */
export const NamespaceFiles = Type.Object(
  {
    enabled: Type.Optional(Dynamic(Type.Boolean({ default: true, description: 'false: none.' }))),
    include: globs('Patterns of the files; without it all.'),
    exclude: globs('Patterns of files that are left out.'),
    namespaces: Type.Optional(
      Dynamic(
        Type.Array(Type.String(), { description: "Whose files; later ones win. Without it those of the flow's own." }),
      ),
    ),
    ifExists: Type.Optional(
      Dynamic(
        Type.Unsafe<'OVERWRITE' | 'FAIL' | 'WARN' | 'IGNORE'>({
          type: 'string',
          enum: ['OVERWRITE', 'FAIL', 'WARN', 'IGNORE'],
          default: 'OVERWRITE',
          description: 'What happens to a file that is there already.',
        }),
      ),
    ),
    folderPerNamespace: Type.Optional(
      Dynamic(Type.Boolean({ default: false, description: 'Each namespace gets a folder with its name.' })),
    ),
  },
  { additionalProperties: false, description: 'Files of namespaces that are put into the working directory.' },
);
export type NamespaceFiles = Static<typeof NamespaceFiles>;

/** The properties of tasks that work on files in a directory of their own. */
export const taskFileProperties = {
  inputFiles: Type.Optional(
    Dynamic(
      Type.Union([MapOf(Type.Unknown()), Type.String()], {
        description:
          'Files made in the working directory: by name a content, or a kestra:///, nsfile:/// or file:/// URI; or that map as JSON.',
      }),
    ),
  ),
  outputFiles: globs('Patterns of files of the working directory that are kept.'),
  namespaceFiles: Type.Optional(NamespaceFiles),
} as const;
