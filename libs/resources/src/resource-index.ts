import { keyParts, type Resource } from '@millrace/model';
import type { View } from '@millrace/queue';

/** What an index is told of. */
export interface IndexListener {
  added(tenant: string, namespace: string, name: string): void;
  removed(tenant: string, namespace: string, name: string): void;
}

/** The names of one kind of resource by tenant and namespace, so that no list walks over what belongs to others. */
export interface ResourceIndex {
  /** In no order. Names of which only remains of a purge are there may be among them. */
  names(tenant: string, namespace: string): Iterable<string>;
  namespaces(tenant: string): Iterable<string>;
  close(): void;
}

/** An index over keys `tenant/kind/namespace/name` of a view, kept up to date. */
export function createResourceIndex(
  view: Pick<View<Resource>, 'keys' | 'records' | 'onChange'>,
  kind: 'kv' | 'file' | 'template',
  listener?: IndexListener,
): ResourceIndex {
  const tenants = new Map<string, Map<string, Set<string>>>();
  const mark = `/${kind}/`;

  function add(tenant: string, namespace: string, name: string): void {
    const namespaces = tenants.get(tenant) ?? new Map<string, Set<string>>();
    const names = namespaces.get(namespace) ?? new Set<string>();
    if (names.has(name)) return;
    tenants.set(tenant, namespaces.set(namespace, names.add(name)));
    listener?.added(tenant, namespace, name);
  }

  function remove(tenant: string, namespace: string, name: string): void {
    const namespaces = tenants.get(tenant);
    const names = namespaces?.get(namespace);
    if (!names?.delete(name)) return;
    if (names.size === 0) namespaces?.delete(namespace);
    listener?.removed(tenant, namespace, name);
  }

  function look(key: string): void {
    if (!key.includes(mark)) return;
    const [tenant = '', of, namespace = '', name = ''] = keyParts(key);
    if (of !== kind) return;
    if (view.records(key).size > 0) add(tenant, namespace, name);
    else remove(tenant, namespace, name);
  }

  const stop = view.onChange(({ key }) => look(key));
  for (const key of view.keys()) look(key);
  return {
    names: (tenant, namespace) => tenants.get(tenant)?.get(namespace) ?? [],
    namespaces: (tenant) => tenants.get(tenant)?.keys() ?? [],
    close: stop,
  };
}

/** Byte order, as namespaces are compared everywhere. */
export const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
