import { TENANT_PATTERN } from '@millrace/model';

const API = '/api/v1/';
const TENANT = new RegExp(TENANT_PATTERN);

/** The one tenant of an installation without tenancy. */
export const MAIN_TENANT = 'main';

/** A path of the API taken apart. */
export interface TenantPath {
  /** undefined: the path names no tenant, which means `main`; null: the segment cannot be a tenant. */
  readonly tenant: string | undefined | null;
  /** The URL without the tenant's segment. */
  readonly url: string;
}

/**
 * `/api/v1/{tenant}/flows` and `/api/v1/flows` are the same route. First segments of routes are reserved and never the
 * name of a tenant. The segment is taken as it is written, so an encoded one is no tenant.
 */
export function splitTenant(url: string, reserved: ReadonlySet<string>): TenantPath {
  if (!url.startsWith(API)) return { tenant: undefined, url };
  const path = url.split('?', 1)[0] ?? '';
  const end = path.indexOf('/', API.length);
  const first = path.slice(API.length, end < 0 ? undefined : end);
  if (reserved.has(first) || end < 0) return { tenant: undefined, url };
  return { tenant: TENANT.test(first) ? first : null, url: `/api/v1${url.slice(end)}` };
}
