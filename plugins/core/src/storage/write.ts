import { Type } from '@sinclair/typebox';
import { Dynamic, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';

/** `core.storage.Write`: a text becomes a file in internal storage. */
export const storageWriteTask = defineTask({
  type: 'core.storage.Write',
  kind: 'runnable',
  title: 'Writes a text into a file of internal storage.',
  schema: taskSchema(
    {
      content: Dynamic(Type.String({ description: 'Content of the file.' })),
      extension: Type.Optional(
        Dynamic(
          Type.String({
            pattern: '^\\.?[A-Za-z0-9][A-Za-z0-9._-]*$',
            maxLength: 32,
            description: 'Extension of the file name, such as .csv.',
          }),
        ),
      ),
    },
    'Writes a text into a file of internal storage.',
  ),
  outputs: Type.Object({ uri: Type.String({ description: 'URI of the file.' }) }),
  async run({ content, extension = '' }, { files }) {
    const suffix = extension === '' || extension.startsWith('.') ? extension : `.${extension}`;
    return { outputs: { uri: await files.store(`content${suffix}`, content) } };
  },
});
