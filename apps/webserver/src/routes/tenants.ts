import { TENANT_PATTERN, tenantKey, type PlainObject, type TenantSettings } from '@millrace/model';
import { resourceOf } from '../flows/commands.js';
import { json } from '../http/answer.js';
import { notFound, unprocessable } from '../http/errors.js';
import { superAdmin, type Call, type Route } from '../http/route.js';
import { settingsBody } from '../http/settings-body.js';
import { MAIN_TENANT } from '../http/tenant-path.js';
import type { RouteServices } from './services.js';
import { checkWish, WORKER_GROUP_WISH } from './worker-group-wish.js';

const TENANT = settingsBody<Partial<TenantSettings>>({
  what: 'a tenant',
  properties: {
    id: { type: 'string', pattern: TENANT_PATTERN },
    name: { type: 'string', maxLength: 200 },
    workerGroup: WORKER_GROUP_WISH,
  },
  unsupported: [
    'storageType',
    'storageConfiguration',
    'storageIsolation',
    'secretType',
    'secretConfiguration',
    'secretReadOnly',
    'secretIsolation',
    'requireExistingNamespace',
    'outputsInInternalStorage',
    'appCatalogConfig',
    'sdkDefaultAuthentication',
    'status',
    'timeZone',
    'requiredLabels',
    'quotas',
    'limits',
    'retention',
    'allowedPlugins',
    'deniedPlugins',
    'egress',
    'variables',
    'pluginDefaults',
  ],
});
const ONE = '/tenants/:tenantId';
const MANAGES = superAdmin('says where the jobs of the tenant run');

/** What is said of the tenant (spec security.md §4.2); an installation without tenancy has one. */
export function tenantRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'instance',
      path: ONE,
      access: MANAGES,
      summary: 'One tenant',
      async handle(call) {
        const id = tenantOf(call);
        const { flows, settings } = services.running();
        await flows.refresh();
        return json(presented(settings.tenant(id) ?? { id }));
      },
    },
    {
      method: 'PUT',
      area: 'instance',
      path: ONE,
      body: TENANT,
      access: MANAGES,
      summary: 'Replace what is said of a tenant',
      async handle(call) {
        const written = await TENANT.read(call.request);
        const id = tenantOf(call);
        if (written.id !== undefined && written.id !== id) {
          throw unprocessable(`The id cannot change: the path says '${id}' and the body '${written.id}'`);
        }
        const { flows, commands } = services.running();
        await flows.refresh();
        checkWish(services, id, written.workerGroup);
        const tenant: TenantSettings = { ...written, id };
        resourceOf(await commands.send(tenantKey(id), { kind: 'save-tenant', tenant }));
        await flows.refresh();
        return json(presented(tenant));
      },
    },
  ];
}

/** @throws HttpError 404 */
function tenantOf(call: Call): string {
  const id = call.parameter('tenantId');
  if (id !== MAIN_TENANT) throw notFound(`There is no tenant '${id}': this installation has '${MAIN_TENANT}' only`);
  return id;
}

const presented = ({ id, name, workerGroup }: TenantSettings): PlainObject => ({
  id,
  name: name ?? id,
  deleted: false,
  ...(workerGroup === undefined ? {} : { workerGroup: { ...workerGroup } }),
});
