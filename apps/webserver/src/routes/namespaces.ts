import type { Scope } from '@millrace/authorization';
import {
  namespaceKey,
  NAMESPACE_PATTERN,
  type NamespaceSettings,
  type PlainObject,
  type SettingsChange,
} from '@millrace/model';
import { resourceOf } from '../flows/commands.js';
import { json, NO_CONTENT } from '../http/answer.js';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { named } from '../http/named.js';
import { permission, type Call, type Route } from '../http/route.js';
import { settingsBody } from '../http/settings-body.js';
import type { RouteServices } from './services.js';
import { checkWish, WORKER_GROUP_WISH } from './worker-group-wish.js';

const NAMESPACE = settingsBody<Omit<NamespaceSettings, 'tenant'>>({
  what: 'a namespace',
  required: ['id'],
  properties: {
    id: { type: 'string', pattern: NAMESPACE_PATTERN, maxLength: 150 },
    description: { type: 'string', maxLength: 10_000 },
    workerGroup: WORKER_GROUP_WISH,
  },
  unsupported: [
    'variables',
    'pluginDefaults',
    'allowedNamespaces',
    'storageType',
    'storageConfiguration',
    'storageIsolation',
    'secretType',
    'secretConfiguration',
    'secretReadOnly',
    'secretIsolation',
    'outputsInInternalStorage',
    'sdkDefaultAuthentication',
  ],
});
const ONE = '/namespaces/:namespace';

/** What is said of namespaces (spec security.md §5). */
export function namespaceRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/namespaces',
      body: NAMESPACE,
      access: permission('NAMESPACE', 'CREATE', 'body'),
      summary: 'Say something of a namespace of which nothing has been said',
      async handle(call) {
        const written = await NAMESPACE.read(call.request);
        call.permit({ resource: 'NAMESPACE', action: 'CREATE' }, written.id);
        return json(await saved(services, call, 'create', written));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: ONE,
      access: permission('NAMESPACE', 'VIEW', 'path'),
      summary: 'One namespace: it exists by what is said of it, or by its flows',
      async handle({ scope, tenant, parameter }) {
        const { flows, settings } = services.running();
        const id = parameter('namespace');
        await flows.refresh();
        const known = settings.namespace(tenant, id);
        const exists = known !== undefined || flows.all(scope).some((flow) => isWithin(flow.namespace, id));
        if (!exists) throw notFound(`There is no namespace '${id}': nothing is said of it, and no flow is in it`);
        return json(presented(known ?? { tenant, id }));
      },
    },
    {
      method: 'PUT',
      area: 'tenant',
      path: ONE,
      body: NAMESPACE,
      access: permission('NAMESPACE', 'UPDATE', 'path'),
      summary: 'Replace what is said of a namespace',
      async handle(call) {
        const written = await NAMESPACE.read(call.request);
        const id = call.parameter('namespace');
        if (written.id !== id) {
          throw unprocessable(`The id cannot change: the path says '${id}' and the body '${written.id}'`);
        }
        return json(await saved(services, call, 'update', written));
      },
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: ONE,
      access: permission('NAMESPACE', 'DELETE', 'path'),
      summary: 'Remove what is said of a namespace in which nothing is left',
      async handle(call) {
        await remove(services, call);
        return NO_CONTENT;
      },
    },
  ];
}

const isWithin = (namespace: string, of: string): boolean => namespace === of || namespace.startsWith(`${of}.`);

const presented = ({ id, description, workerGroup }: NamespaceSettings): PlainObject => ({
  id,
  deleted: false,
  ...(description === undefined ? {} : { description }),
  ...(workerGroup === undefined ? {} : { workerGroup: { ...workerGroup } }),
});

async function saved(
  services: RouteServices,
  { tenant }: Call,
  mode: 'create' | 'update',
  { id, description, workerGroup }: Omit<NamespaceSettings, 'tenant'>,
): Promise<PlainObject> {
  await services.running().flows.refresh();
  checkWish(services, tenant, workerGroup);
  const namespace: NamespaceSettings = {
    tenant,
    id,
    ...(description === undefined ? {} : { description }),
    ...(workerGroup === undefined ? {} : { workerGroup }),
  };
  await changed(services, namespaceKey(tenant, id), { kind: 'save-namespace', mode, namespace });
  return presented(namespace);
}

async function changed({ running }: RouteServices, key: string, change: SettingsChange): Promise<void> {
  resourceOf(await running().commands.send(key, change));
  // So that what is read after writing, and a flow that is started now, is of what was written.
  await running().flows.refresh();
}

async function remove(services: RouteServices, { tenant, scope, parameter }: Call): Promise<void> {
  const id = parameter('namespace');
  const { flows, settings } = services.running();
  await flows.refresh();
  if (settings.namespace(tenant, id)) {
    const users = await contents(services, scope, id);
    if (users.length > 0) {
      throw new HttpError(
        409,
        `The namespace '${id}' has ${users.join(', ')}: delete them first, or update it without what it says`,
      );
    }
  }
  await changed(services, namespaceKey(tenant, id), { kind: 'delete-namespace', id });
}

/** What would stay behind, in words. */
async function contents({ running }: RouteServices, scope: Scope, id: string): Promise<readonly string[]> {
  const { flows, settings, keyValues, namespaceFiles } = running();
  const inIt = flows.all(scope).filter((flow) => isWithin(flow.namespace, id));
  const kinds: readonly (readonly [what: string, names: readonly string[]])[] = [
    ['the flows', inIt.map((flow) => `${flow.namespace}.${flow.id}`)],
    ['the namespaces', settings.namespacesBelow(scope.tenant, id)],
    ['the keys', (await keyValues.list(scope, id)).map(({ key }) => key)],
    ['the files', (await namespaceFiles.files(scope, id)).map(({ path }) => path)],
  ];
  return kinds.flatMap(([what, names]) => (names.length === 0 ? [] : [`${what} ${named(names)}`]));
}
