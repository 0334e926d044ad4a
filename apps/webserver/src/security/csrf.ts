import type { IncomingHttpHeaders } from 'node:http';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface CrossSiteQuestion {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Which credential the request was accepted with. */
  readonly credential: 'basic' | 'session' | 'none';
  /** Origins of the product's own pages, such as `http://localhost:8080`. */
  readonly origins: readonly string[];
}

/**
 * True when a request with a credential that browsers send by themselves comes from a page of another site (spec
 * security.md §2.2). The content type makes no difference. `none` is a request that logs in: it is checked like Basic.
 */
export function isCrossSite({ method, headers, credential, origins }: CrossSiteQuestion): boolean {
  if (SAFE.has(method)) return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  const from = headers.origin ?? originOf(headers.referer);
  if (from !== undefined) return !origins.includes(from);
  return credential === 'session';
}

function originOf(referer: string | undefined): string | undefined {
  if (referer === undefined) return undefined;
  return URL.canParse(referer) ? new URL(referer).origin : 'null';
}
