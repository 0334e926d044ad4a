import { keyOf } from './ids.js';
import type { WorkerGroupWish } from './worker-groups.js';

/** What somebody has said of a namespace (spec security.md §5). A namespace also exists without it, by its flows. */
export interface NamespaceSettings {
  readonly tenant: string;
  readonly id: string;
  readonly description?: string;
  /** For what in it and in the namespaces below says nothing itself. */
  readonly workerGroup?: WorkerGroupWish;
}

/** What the operator has said of a tenant (spec security.md §4.2). */
export interface TenantSettings {
  readonly id: string;
  readonly name?: string;
  /** For every namespace that says nothing itself. */
  readonly workerGroup?: WorkerGroupWish;
}

/** Commands to the owner of a namespace's settings, and to that of a tenant's. */
export type SettingsChange =
  /** `create`: refused when it has settings. `update`: refused when it has none. What was said before is replaced. */
  | { readonly kind: 'save-namespace'; readonly mode: 'create' | 'update'; readonly namespace: NamespaceSettings }
  | { readonly kind: 'delete-namespace'; readonly id: string }
  | { readonly kind: 'save-tenant'; readonly tenant: TenantSettings };

/** The key of a namespace's settings. */
export const namespaceKey = (tenant: string, id: string): string => keyOf(tenant, 'namespace', id);

/** The key of a tenant's settings. */
export const tenantKey = (tenant: string): string => keyOf(tenant, 'tenant');

/** A namespace and those above it, the nearest first. */
export function withParents(namespace: string): readonly string[] {
  const parts = namespace.split('.');
  return parts.map((_part, index) => parts.slice(0, parts.length - index).join('.'));
}
