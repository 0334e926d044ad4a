import { isSharedRead, permissionName, RESOURCES, type Permission } from './permissions.js';
import type { Grant, Principal } from './principal.js';
import { Scope } from './scope.js';

/** What is missing, as a refused caller is told (spec security.md §3.6). */
export interface MissingPermission {
  readonly resource: Permission['resource'];
  readonly action: Permission['action'];
  readonly namespace?: string;
}

export type AccessDecision =
  | { readonly allowed: true; readonly scope: Scope }
  | {
      readonly allowed: false;
      /** `tenant`: the tenant must look as if it did not exist; `permission`: the tenant is known to the caller. */
      readonly reason: 'tenant' | 'permission';
      readonly missing: readonly MissingPermission[];
      /** One sentence for the caller. */
      readonly hint: string;
    };

const within = (namespace: string, prefix: string): boolean =>
  namespace === prefix || namespace.startsWith(`${prefix}.`);

/**
 * The one decision about access (spec security.md §3.3): default deny, grants only add. Pure.
 *
 * @param namespace the namespace that the request names; absent when it names none (lists, look-ups by id): then
 *   holding the action anywhere is enough and the granted scope filters the data
 * @returns the scope of all data on which the principal holds the permission, or what is missing
 */
export function decide(
  principal: Principal,
  permission: Permission,
  tenant: string,
  namespace?: string,
): AccessDecision {
  const missing: MissingPermission = { ...permission, ...(namespace === undefined ? {} : { namespace }) };
  if (!principal.active || !principal.tenants.includes(tenant)) {
    return { allowed: false, reason: 'tenant', missing: [missing], hint: `Tenant '${tenant}' is not known` };
  }
  const held = principal.grants.filter((grant) => grant.tenant === tenant && holds(grant, permission));
  const visible = held.some(
    (grant) => grant.namespace === undefined || RESOURCES[permission.resource].scope === 'tenant',
  )
    ? 'ALL'
    : held.flatMap((grant) => grant.namespace ?? []);
  const covered =
    visible === 'ALL' ||
    (namespace === undefined ? visible.length > 0 : visible.some((prefix) => within(namespace, prefix)));
  if (covered) return { allowed: true, scope: Scope.granted(tenant, visible) };
  return {
    allowed: false,
    reason: 'permission',
    missing: [missing],
    hint: hintOf(permission, tenant, namespace, visible),
  };
}

/** The role of a grant has the permission, and the grant is wide enough for that kind of resource. */
function holds(grant: Grant, permission: Permission): boolean {
  switch (grant.role) {
    case 'admin':
      return (
        grant.namespace === undefined ||
        RESOURCES[permission.resource].scope === 'namespace' ||
        isSharedRead(permission)
      );
  }
}

function hintOf(
  permission: Permission,
  tenant: string,
  namespace: string | undefined,
  held: readonly string[],
): string {
  const where = namespace === undefined ? '' : ` on namespace '${namespace}'`;
  const elsewhere = held.length > 0 ? ` You hold it on ${held.map((one) => `'${one}'`).join(', ')}.` : '';
  return `Needs ${permissionName(permission)}${where}.${elsewhere} Ask an administrator of tenant '${tenant}' for a role with it.`;
}
