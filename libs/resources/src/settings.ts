import {
  LATEST,
  namespaceKey,
  tenantKey,
  withParents,
  type NamespaceSettings,
  type Resource,
  type TenantSettings,
  type WorkerGroupWish,
} from '@millrace/model';
import type { View } from '@millrace/queue';

/** What a copy of the resources says of a namespace now; undefined when nobody has said anything. */
export function namespaceSettings(
  view: Pick<View<Resource>, 'get'>,
  tenant: string,
  namespace: string,
): NamespaceSettings | undefined {
  const record = view.get(namespaceKey(tenant, namespace), LATEST);
  return record?.kind === 'namespace' && record.namespace.tenant === tenant ? record.namespace : undefined;
}

/** What a copy of the resources says of a tenant now; undefined when nobody has said anything. */
export function tenantSettings(view: Pick<View<Resource>, 'get'>, tenant: string): TenantSettings | undefined {
  const record = view.get(tenantKey(tenant), LATEST);
  return record?.kind === 'tenant' && record.tenant.id === tenant ? record.tenant : undefined;
}

/** What namespaces and tenants say of the worker group of that which says nothing itself. */
export interface InheritedWorkerGroups {
  /** Of a namespace, of those above it, of the tenant: the nearest first. Those that say nothing are not there. */
  wishes(tenant: string, namespace: string): readonly WorkerGroupWish[];
  close(): void;
}

/** Namespaces whose answer is remembered until one of them, or a tenant, changes. */
const REMEMBERED = 10_000;

/** Answers from a copy of the resources; asked for each job, so what was found is remembered. */
export function followInheritedWorkerGroups(view: Pick<View<Resource>, 'get' | 'onChange'>): InheritedWorkerGroups {
  const known = new Map<string, readonly WorkerGroupWish[]>();
  const stop = view.onChange(({ key }) => {
    if (key.includes('/namespace/') || key.endsWith('/tenant')) known.clear();
  });
  const find = (tenant: string, namespace: string): readonly WorkerGroupWish[] => [
    ...withParents(namespace).flatMap((one) => namespaceSettings(view, tenant, one)?.workerGroup ?? []),
    ...[tenantSettings(view, tenant)?.workerGroup].filter((wish) => wish !== undefined),
  ];
  return {
    wishes(tenant, namespace) {
      const key = `${tenant}/${namespace}`;
      let wishes = known.get(key);
      if (wishes === undefined) {
        wishes = find(tenant, namespace);
        if (known.size >= REMEMBERED) known.clear();
        known.set(key, wishes);
      }
      return wishes;
    },
    close: stop,
  };
}
