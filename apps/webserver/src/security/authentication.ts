import type { Request } from 'express';
import type { Clock, UserAccount } from '@millrace/model';
import { HttpError } from '../http/errors.js';
import type { Accounts } from './accounts.js';
import { createCredentialCache, createUnderWay } from './credential-cache.js';
import { credentialOf } from './credentials.js';
import { isCrossSite } from './csrf.js';
import { createLockout } from './lockout.js';
import type { Passwords } from './passwords.js';
import { createSessions, type Sessions } from './sessions.js';

export interface AuthenticationOptions {
  readonly clock: Clock;
  readonly accounts: () => Accounts;
  readonly passwords: Passwords;
  /** Origins of the product's own pages. */
  readonly origins: (request: Request) => readonly string[];
  /** Stores the hash of a password whose old hash has another cost than today's. */
  readonly rehash: (user: UserAccount, password: string) => void;
}

/** Finds out who asks (spec security.md §2.1). */
export interface Authentication {
  readonly sessions: Sessions;
  /**
   * The user of a request.
   * @throws HttpError 401 (the same for every reason), 403 cross-site-request, 429 and 503 when limited
   */
  authenticate(request: Request): Promise<UserAccount>;
  /** Checks a user name and a password; counts failures. Equal logins at a time are one. @throws HttpError as `authenticate` */
  login(username: string, password: string, request: Request): Promise<UserAccount>;
  /** @throws HttpError 403 when a page of another site sends this request */
  refuseCrossSite(request: Request, credential: 'basic' | 'session' | 'none'): void;
}

const PASSWORD_LENGTH_MAX = 1_024;

export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { clock, accounts, passwords, origins, rehash } = options;
  const cache = createCredentialCache(clock);
  const underWay = createUnderWay<UserAccount | undefined>();
  const lockout = createLockout(clock);
  const sessions = createSessions(clock);
  const userById = (id: string): UserAccount | undefined => accounts().byId(id);

  const refuseCrossSite: Authentication['refuseCrossSite'] = (request, credential) => {
    if (!isCrossSite({ method: request.method, headers: request.headers, credential, origins: origins(request) }))
      return;
    throw new HttpError(403, 'A page of another site may not send this request', {
      members: { code: 'cross-site-request' },
    });
  };

  /** The user, or undefined when the credentials are refused. */
  const verify = async (username: string, password: string, address: string): Promise<UserAccount | undefined> => {
    const check = lockout.check(username, address);
    if (check.kind === 'limited') {
      const headers = { 'Retry-After': String(check.retryAfterSeconds) };
      throw new HttpError(check.status, 'Too many logins; try again later', { headers });
    }
    const user = accounts().byUsername(username);
    // Unknown, locked, disabled and too long take as long as a wrong password and are answered like it.
    const usable =
      user?.status === 'ACTIVE' && check.kind === 'open' && password.length <= PASSWORD_LENGTH_MAX ? user : undefined;
    if (!usable) await passwords.verifyNobody(password.slice(0, PASSWORD_LENGTH_MAX));
    if (!usable || !(await passwords.verify(usable.passwordHash, password))) {
      lockout.failed(username, address);
      return undefined;
    }
    lockout.succeeded(username, address);
    if (passwords.isOutdated(usable.passwordHash)) rehash(usable, password);
    return usable;
  };

  const login: Authentication['login'] = async (username, password, request) => {
    const address = request.socket.remoteAddress ?? '';
    const user = await underWay.share([address, username, password], () => verify(username, password, address));
    if (!user) throw unauthorized(request);
    return user;
  };

  return {
    sessions,
    login,
    refuseCrossSite,
    async authenticate(request) {
      const credential = credentialOf(request.headers);
      switch (credential.kind) {
        case 'none':
        case 'unusable':
          throw unauthorized(request);
        case 'session': {
          const user = sessions.find(credential.id, userById);
          if (!user) throw unauthorized(request);
          refuseCrossSite(request, 'session');
          return user;
        }
        case 'basic': {
          const { username, password } = credential;
          const known = cache.find(username, password, userById);
          const user = known ?? (await login(username, password, request));
          if (!known) cache.keep(username, password, user);
          refuseCrossSite(request, 'basic');
          return user;
        }
      }
    },
  };
}

/** The one refusal; a browser's own window for passwords is asked for only by clients that are no page of ours. */
export function unauthorized(request: Request): HttpError {
  const { headers } = request;
  const fromPage =
    headers['sec-fetch-mode'] !== undefined ||
    headers['x-requested-with'] !== undefined ||
    (headers.accept ?? '').includes('text/html');
  return new HttpError(401, 'Log in: the credentials are missing or not valid', {
    headers: fromPage ? {} : { 'WWW-Authenticate': 'Basic realm="Millrace"' },
  });
}
