import type { Principal } from '@millrace/authorization';
import { USERS_KEY, type Resource, type UserAccount } from '@millrace/model';
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
  const put = (recordId: string, resource: Resource | null): void => {
    const known = users.get(recordId);
    if (known) names.delete(normalized(known.username));
    users.delete(recordId);
    if (resource?.kind !== 'user') return;
    users.set(recordId, resource.user);
    names.set(normalized(resource.user.username), recordId);
  };
  // The listener first: what changes while the view is read is then seen, at worst twice.
  const stop = resources.onChange(({ key, id, value }) => {
    if (key === USERS_KEY) put(id, value);
  });
  for (const [id, resource] of resources.records(USERS_KEY)) put(id, resource);
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
