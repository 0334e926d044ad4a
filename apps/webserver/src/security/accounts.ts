import type { Principal } from '@millrace/authorization';
import type { Resource, UserAccount } from '@millrace/model';
import type { View } from '@millrace/queue';
import { MAIN_TENANT } from '../http/tenant-path.js';

/** The users of the installation, live from the view of resources. */
export interface Accounts {
  byId(id: string): UserAccount | undefined;
  /** User names are compared without case. */
  byUsername(username: string): UserAccount | undefined;
  readonly size: number;
  close(): void;
}

const normalized = (username: string): string => username.normalize('NFC').toLowerCase();

export function createAccounts(resources: View<Resource>): Accounts {
  const users = new Map<string, UserAccount>();
  const names = new Map<string, string>();
  const idsByKey = new Map<string, string>();
  const put = (key: string, resource: Resource | null): void => {
    const known = users.get(idsByKey.get(key) ?? '');
    if (known) {
      users.delete(known.id);
      names.delete(normalized(known.username));
    }
    if (resource?.kind !== 'user') return;
    idsByKey.set(key, resource.user.id);
    users.set(resource.user.id, resource.user);
    names.set(normalized(resource.user.username), resource.user.id);
  };
  // The listener first: what changes while the view is walked through is then seen, at worst twice.
  const stop = resources.onChange(({ key, value }) => {
    if (value === null ? idsByKey.has(key) : value.kind === 'user') put(key, value);
  });
  for (const key of resources.keys()) {
    for (const resource of resources.records(key).values()) if (resource.kind === 'user') put(key, resource);
  }
  return {
    byId: (id) => users.get(id),
    byUsername: (username) => users.get(names.get(normalized(username)) ?? ''),
    get size() {
      return users.size;
    },
    close: stop,
  };
}

/**
 * What a user may do. Until roles and bindings are resources there is one role: superadmins (the first user is one, spec
 * security.md §1.7) are administrators of tenant `main`; others have no access.
 */
export const principalOf = (user: UserAccount): Principal => ({
  id: user.id,
  username: user.username,
  active: user.status === 'ACTIVE',
  superAdmin: user.superAdmin,
  tenants: user.superAdmin ? [MAIN_TENANT] : [],
  grants: user.superAdmin ? [{ tenant: MAIN_TENANT, role: 'admin' }] : [],
});
