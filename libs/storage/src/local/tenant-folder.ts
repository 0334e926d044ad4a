import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { StorageError } from '../contract.js';
import { isMissing } from './file-errors.js';

/** A tenant's name must never be a path; the same rule as for tenants anywhere else. */
const TENANT = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** The folder of one tenant. */
export interface TenantFolder {
  readonly path: string;
  /** False when a symbolic link on the way leads out of the folder. */
  contains(path: string): Promise<boolean>;
}

/** @throws StorageError INVALID_URI when the tenant's name could be a path */
export function tenantFolder(root: string, tenant: string): TenantFolder {
  if (!TENANT.test(tenant)) {
    throw new StorageError(
      'INVALID_URI',
      `The tenant ${JSON.stringify(tenant.slice(0, 64))} is not a tenant's name`,
      false,
    );
  }
  const path = join(root, tenant);
  return {
    path,
    async contains(target) {
      const home = await realNearest(path, dirname(root));
      const real = await realNearest(target, path);
      return home === undefined || real === undefined || real === home || real.startsWith(home + sep);
    },
  };
}

/** The real path of `path`, or of the nearest folder above it that exists, down to `top`; undefined when none does. */
async function realNearest(path: string, top: string): Promise<string | undefined> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const real = await realpath(at);
      return at === path ? real : real + path.slice(at.length);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    if (at === top || at === dirname(at)) return undefined;
  }
}
