const CHANGE = ['VIEW', 'LIST', 'CREATE', 'UPDATE', 'DELETE'] as const;

/**
 * What may be done with what (spec security.md §3.1). `scope` says how far a grant can be narrowed: to a namespace and its
 * children, or only to the tenant.
 */
export const RESOURCES = {
  FLOW: { scope: 'namespace', actions: [...CHANGE, 'EXECUTE', 'ENABLE', 'DISABLE', 'VALIDATE', 'EXPORT', 'IMPORT'] },
  EXECUTION: {
    scope: 'namespace',
    actions: [
      'VIEW',
      'LIST',
      'UPDATE',
      'DELETE',
      'RESTART',
      'REPLAY',
      'KILL',
      'PAUSE',
      'RESUME',
      'CHANGE_LABELS',
      'UNQUEUE',
      'FORCE_RUN',
      'FOLLOW',
      'EXPORT',
      'ACCESS_LOGS',
      'ACCESS_OUTPUTS',
      'ACCESS_FILES',
      'DELETE_LOGS',
      'EVALUATE',
    ],
  },
  TRIGGER: {
    scope: 'namespace',
    actions: ['VIEW', 'LIST', 'DELETE', 'UNLOCK', 'RESTART', 'ENABLE', 'DISABLE', 'BACKFILL', 'EXPORT'],
  },
  NAMESPACE: {
    scope: 'namespace',
    actions: [...CHANGE, 'MANAGE_FILES', 'READ_FILES', 'EXPORT_PLUGIN_DEFAULTS', 'IMPORT_PLUGIN_DEFAULTS'],
  },
  KVSTORE: { scope: 'namespace', actions: CHANGE },
  SECRET: { scope: 'namespace', actions: CHANGE },
  CREDENTIAL: { scope: 'namespace', actions: CHANGE },
  TESTSUITE: { scope: 'namespace', actions: [...CHANGE, 'EXECUTE'] },
  APP: { scope: 'namespace', actions: [...CHANGE, 'EXECUTE', 'ACCESS_FILES', 'ACCESS_LOGS'] },
  ASSET: { scope: 'namespace', actions: CHANGE },
  TEMPLATE: { scope: 'namespace', actions: CHANGE },
  DASHBOARD: { scope: 'tenant', actions: CHANGE },
  BLUEPRINT: { scope: 'tenant', actions: CHANGE },
  COPILOT: { scope: 'tenant', actions: ['USE'] },
  USER: { scope: 'tenant', actions: [...CHANGE, 'MANAGE_GROUP_MEMBERSHIP', 'IMPERSONATE'] },
  GROUP: { scope: 'tenant', actions: [...CHANGE, 'MANAGE_MEMBERS'] },
  ROLE: { scope: 'tenant', actions: CHANGE },
  SERVICE_ACCOUNT: { scope: 'tenant', actions: CHANGE },
  INVITATION: { scope: 'tenant', actions: CHANGE },
  BINDING: { scope: 'namespace', actions: ['VIEW', 'LIST', 'CREATE', 'DELETE'] },
  AUDITLOG: { scope: 'tenant', actions: ['VIEW', 'LIST', 'EXPORT'] },
  TENANT_SETTINGS: { scope: 'tenant', actions: ['VIEW', 'UPDATE'] },
} as const satisfies Record<string, { scope: 'namespace' | 'tenant'; actions: readonly string[] }>;

export type ProtectedResource = keyof typeof RESOURCES;
export type ActionOf<Resource extends ProtectedResource> = (typeof RESOURCES)[Resource]['actions'][number];

/** One action on one kind of resource; only pairs of the table above can be written. */
export type Permission = {
  [Resource in ProtectedResource]: { readonly resource: Resource; readonly action: ActionOf<Resource> };
}[ProtectedResource];

/** Every permission there is, in the order of the table. */
export const PERMISSIONS: readonly Permission[] = Object.entries(RESOURCES).flatMap(([resource, { actions }]) =>
  actions.map((action) => ({ resource, action }) as Permission),
);

/** `FLOW:VIEW`, as documents and messages name a permission. */
export const permissionName = ({ resource, action }: Permission): string => `${resource}:${action}`;

/** Resources whose VIEW, LIST and USE are held by everybody with any grant of them: the data inside is filtered anyway. */
const SHARED_READS: ReadonlySet<string> = new Set(
  ['DASHBOARD', 'BLUEPRINT', 'COPILOT'].flatMap((resource) =>
    ['VIEW', 'LIST', 'USE'].map((action) => `${resource}:${action}`),
  ),
);

/** True when a grant on one namespace is enough, although the resource belongs to the tenant. */
export const isSharedRead = (permission: Permission): boolean => SHARED_READS.has(permissionName(permission));
