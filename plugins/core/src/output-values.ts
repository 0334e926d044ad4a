import { Type } from '@sinclair/typebox';
import { Dynamic, MapOf, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';

/** `core.output.OutputValues`: its outputs are rendered values that keep their types. */
export const outputValuesTask = defineTask({
  type: 'core.output.OutputValues',
  kind: 'runnable',
  title: 'Gives rendered values as its outputs.',
  schema: taskSchema(
    {
      values: Type.Optional(
        Dynamic(
          MapOf(Type.Unknown(), {
            description: 'The values by name; a single expression keeps the type of its result.',
          }),
        ),
      ),
    },
    'Gives rendered values as its outputs.',
  ),
  outputs: Type.Object({ values: MapOf(Type.Unknown(), { description: 'The rendered values.' }) }),
  inline: ({ values = {} }) => ({ outputs: { values } }),
});
