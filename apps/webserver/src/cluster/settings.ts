import {
  keyParts,
  namespaceKey,
  tenantKey,
  type NamespaceSettings,
  type Resource,
  type TenantSettings,
  type WorkerGroupWish,
} from '@millrace/model';
import type { View } from '@millrace/queue';
import { namespaceSettings, tenantSettings } from '@millrace/resources';

/** What has been said of namespaces and tenants, read from the copy of the resources. */
export interface Settings {
  namespace(tenant: string, id: string): NamespaceSettings | undefined;
  /** Namespaces below another one of which something has been said. */
  namespacesBelow(tenant: string, id: string): readonly string[];
  tenant(id: string): TenantSettings | undefined;
  /** Namespaces and tenants of which somebody has said that their jobs go to the group, named literally. */
  naming(group: string): { readonly namespaces: readonly string[]; readonly tenants: readonly string[] };
}

export function createSettings(resources: Pick<View<Resource>, 'get' | 'keys'>): Settings {
  /** Few: nobody lists them but those who remove something. */
  const all = (): readonly SettingsPlace[] =>
    [...resources.keys()].flatMap((key): readonly SettingsPlace[] => {
      if (!key.includes('/namespace/') && !key.endsWith('/tenant')) return [];
      const [tenant = '', , namespace = ''] = keyParts(key);
      if (key === tenantKey(tenant)) return [{ tenant }];
      return key === namespaceKey(tenant, namespace) ? [{ tenant, namespace }] : [];
    });
  const wishOf = ({ tenant, namespace }: SettingsPlace): WorkerGroupWish | undefined =>
    namespace === undefined
      ? tenantSettings(resources, tenant)?.workerGroup
      : namespaceSettings(resources, tenant, namespace)?.workerGroup;
  return {
    namespace: (tenant, id) => namespaceSettings(resources, tenant, id),
    namespacesBelow: (tenant, id) =>
      all().flatMap(({ tenant: of, namespace }) => {
        const isBelow = of === tenant && namespace?.startsWith(`${id}.`) === true;
        return isBelow && namespaceSettings(resources, tenant, namespace) ? [namespace] : [];
      }),
    tenant: (id) => tenantSettings(resources, id),
    naming(group) {
      const found = all().filter((place) => wishOf(place)?.key?.trim() === group);
      return {
        namespaces: found.flatMap(({ namespace }) => namespace ?? []),
        tenants: found.flatMap(({ tenant, namespace }) => (namespace === undefined ? [tenant] : [])),
      };
    },
  };
}

/** A tenant, or one of its namespaces. */
interface SettingsPlace {
  readonly tenant: string;
  readonly namespace?: string;
}
