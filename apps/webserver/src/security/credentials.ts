import type { IncomingHttpHeaders } from 'node:http';

/** What a request shows to prove who it is. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'session'; readonly id: string }
  /** Present and unusable: never a fall-back to the next one. */
  | { readonly kind: 'unusable' };

/** Names of the session cookie: with TLS, and over plain HTTP on loopback (spec security.md §2.1). */
export const SECURE_COOKIE = '__Host-millrace';
export const LOOPBACK_COOKIE = 'millrace';

/** The credential of a request: the header wins over the cookie. */
export function credentialOf(headers: IncomingHttpHeaders): Credential {
  const { authorization, cookie } = headers;
  if (authorization !== undefined) return fromHeader(authorization);
  const id = cookie === undefined ? undefined : (cookieOf(cookie, SECURE_COOKIE) ?? cookieOf(cookie, LOOPBACK_COOKIE));
  return id === undefined ? { kind: 'none' } : { kind: 'session', id };
}

function fromHeader(authorization: string): Credential {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  if (encoded === undefined || encoded.length > 2_048) return { kind: 'unusable' };
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return { kind: 'unusable' };
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
