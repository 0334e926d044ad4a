import { flowJsonSchema } from '@millrace/flow';
import { shortType } from '@millrace/model';
import { json } from '../http/answer.js';
import { notFound } from '../http/errors.js';
import { self, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const WHY = 'task types are the same for everybody';

/** Routes of task types and of the schema of flows. */
export function pluginRoutes({ taskTypes }: RouteServices): readonly Route[] {
  const { catalog } = taskTypes;
  // Made once: task types do not change while the server runs.
  let flowSchema: object | undefined;
  return [
    {
      method: 'GET',
      area: 'any',
      path: '/plugins',
      access: self(WHY),
      summary: 'Task types, by plugin',
      handle() {
        const groups = new Map<string, string[]>();
        for (const type of catalog.types) {
          const group = type.split('.').slice(0, -2).join('.') || type;
          groups.set(group, [...(groups.get(group) ?? []), type]);
        }
        return json(
          [...groups].map(([name, types]) => ({
            name,
            title: name,
            group: name,
            tasks: types.map((type) => ({
              cls: type,
              title: catalog.find(type)?.title,
              deprecated: catalog.find(type)?.deprecated ?? false,
            })),
          })),
        );
      },
    },
    {
      method: 'GET',
      area: 'any',
      path: '/plugins/schemas/:type',
      access: self(WHY),
      summary: 'JSON Schema of flows (`flow`) or of a task type',
      handle({ parameter }) {
        const type = parameter('type');
        if (type === 'flow') return json((flowSchema ??= flowJsonSchema(catalog)));
        const description = catalog.find(type);
        if (!description) throw notFound(`There is no task type '${type}'`);
        return json(description.schema);
      },
    },
    {
      method: 'GET',
      area: 'any',
      path: '/plugins/:type',
      access: self(WHY),
      summary: 'Documentation of a task type',
      handle({ parameter }) {
        const type = parameter('type');
        const description = catalog.find(shortType(type));
        if (!description) throw notFound(`There is no task type '${type}'`);
        const { schema, outputs, title } = description;
        return json({
          markdown: `# ${description.type}\n\n${title}\n`,
          schema: { properties: schema, ...(outputs && { outputs }) },
        });
      },
    },
  ];
}
