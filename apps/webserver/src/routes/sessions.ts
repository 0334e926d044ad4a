import { randomBytes } from 'node:crypto';
import { newId, USERS_KEY, type UserAccount } from '@millrace/model';
import { json, NO_CONTENT, type Answer } from '../http/answer.js';
import { inTime, jsonBody, mediaType, readText } from '../http/body.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { anonymous, self, type Call, type Route } from '../http/route.js';
import { MAIN_TENANT } from '../http/tenant-path.js';
import { resourceOf } from '../flows/commands.js';
import { credentialOf, LOOPBACK_COOKIE, SECURE_COOKIE } from '../security/credentials.js';
import { SESSION_LIMITS } from '../security/sessions.js';
import { isLoopback } from '../security/setup.js';
import { passwordFaults, PASSWORD_PATTERN, usernameFault } from '../security/passwords.js';
import type { RouteServices } from './services.js';

interface Login {
  readonly username: string;
  readonly password: string;
  readonly setupCode?: string;
}

const TEXT = { type: 'string', minLength: 1, maxLength: 1_024 };
const LOGIN = jsonBody<Login>({
  type: 'object',
  required: ['username', 'password'],
  properties: { username: TEXT, password: TEXT },
});
const ACCOUNT = jsonBody<Login>({
  type: 'object',
  required: ['username', 'password'],
  additionalProperties: false,
  properties: { username: TEXT, password: TEXT, setupCode: { type: 'string', maxLength: 64 } },
});

/** Routes of the first account and of sessions. */
export function sessionRoutes(services: RouteServices): readonly Route[] {
  return [...setUpRoutes(services), ...loginRoutes(services)];
}

function setUpRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'instance',
      path: '/setup',
      access: anonymous('tells whether the first account exists'),
      summary: 'State of the installation',
      handle: () =>
        json({
          done: services.running().accounts.size > 0,
          repositoryType: services.configuration.repositoryType ?? 'sql',
          queueType: services.configuration.queueType ?? 'sql',
          storageType: services.configuration.storageType ?? 'local',
          secretType: 'env',
          passwordRegexp: PASSWORD_PATTERN,
          haveAuthNotBasic: false,
        }),
    },
    {
      method: 'POST',
      area: 'any',
      path: '/basicAuth',
      body: ACCOUNT,
      access: anonymous('creates the first account, from the machine itself or with the set-up code'),
      summary: 'Create the first account',
      handle: (call) => createFirst(services, call),
    },
  ];
}

/** Logging in and out. */
function loginRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'root',
      path: '/login',
      body: LOGIN,
      access: anonymous('logs in'),
      summary: 'Log in; sets the session cookie',
      handle: (call) => login(services, call),
    },
    {
      method: 'POST',
      area: 'root',
      path: '/logout',
      access: anonymous('ends the session of its own cookie, if any'),
      summary: 'Log out',
      handle(call) {
        services.authentication.refuseCrossSite(call.request, 'session');
        const credential = credentialOf(call.request.headers);
        if (credential.kind === 'session') services.authentication.sessions.end(credential.id);
        call.response.setHeader(
          'Set-Cookie',
          [SECURE_COOKIE, LOOPBACK_COOKIE].map((name) => cookie(name, '', 0)),
        );
        return NO_CONTENT;
      },
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/me',
      access: self('own account'),
      summary: 'Who is logged in',
      handle({ principal }) {
        if (!principal) throw new HttpError(500, 'A request without an account reached its own page');
        const { id, username, superAdmin, tenants } = principal;
        return json({
          id,
          superAdmin,
          restricted: false,
          profile: { username, ...(username.includes('@') && { email: username }) },
          auths: ['BASIC'],
          tenants: tenants.map((tenant) => ({ id: tenant, name: tenant === MAIN_TENANT ? 'Main' : tenant })),
        });
      },
    },
  ];
}

async function createFirst(services: RouteServices, call: Call): Promise<Answer> {
  const { request } = call;
  services.authentication.refuseCrossSite(request, 'none');
  const { username, password, setupCode } = await inTime(ACCOUNT.read(request), services.context.clock);
  const { accounts } = services.running();
  if (accounts.size > 0) throw new HttpError(409, 'The first account exists already: log in with it');
  services.setUp.admit(request, setupCode);
  const faults = [
    ...[usernameFault(username)].flatMap((fault) =>
      fault === undefined ? [] : [{ message: `The user name ${fault}`, path: 'username' }],
    ),
    ...passwordFaults(password, username).map((fault) => ({ message: `The password ${fault}`, path: 'password' })),
  ];
  if (faults.length > 0) throw unprocessable(faults.map(({ message }) => message).join('; '), faults);
  await createFirstAccount(services, username, password);
  return NO_CONTENT;
}

/**
 * Creates the first account and waits until this server knows it.
 * @throws HttpError 422 when there is one already, 504 when the owner does not answer in time
 */
export async function createFirstAccount(
  { context, passwords, running }: Pick<RouteServices, 'context' | 'passwords' | 'running'>,
  username: string,
  password: string,
): Promise<void> {
  const now = context.clock.now();
  const user: UserAccount = {
    id: newId(now, randomBytes(16)),
    username,
    passwordHash: await passwords.hash(password),
    passwordChangedAt: now,
    superAdmin: true,
    status: 'ACTIVE',
    createdAt: now,
  };
  const { commands, userSeen } = running();
  resourceOf(await commands.send(USERS_KEY, { kind: 'create-user', user, onlyFirst: true }));
  if (!(await userSeen(user.id)))
    throw new HttpError(504, 'The account is created, but this server does not see it yet: log in later');
}

async function login(services: RouteServices, call: Call): Promise<Answer> {
  const { authentication, configuration } = services;
  const { request, response } = call;
  authentication.refuseCrossSite(request, 'none');
  const { username, password } = await inTime(loginOf(call), services.context.clock);
  const secure = isSecure(call);
  if (!secure && !isLoopback(request.socket.remoteAddress ?? '') && !configuration.security?.allowInsecureCookies) {
    throw new HttpError(403, 'Logging in over plain HTTP from another machine is not allowed: use HTTPS', {
      members: { code: 'insecure' },
    });
  }
  const user = await authentication.login(username, password, request);
  const id = authentication.sessions.start(user);
  response.setHeader(
    'Set-Cookie',
    cookie(secure ? SECURE_COOKIE : LOOPBACK_COOKIE, id, SESSION_LIMITS.absoluteMs / 1_000),
  );
  return json({ username: user.username, roles: user.superAdmin ? ['admin'] : [] });
}

async function loginOf({ request }: Call): Promise<Login> {
  if (mediaType(request) !== 'application/x-www-form-urlencoded') return LOGIN.read(request);
  const form = new URLSearchParams(await readText(request, ['application/x-www-form-urlencoded'], 8_192));
  const [username, password] = [form.get('username'), form.get('password')];
  if (!username || !password) throw unprocessable("The form needs 'username' and 'password'");
  return { username, password };
}

/** True over TLS; behind a proxy only its own header can tell, and only pages of a configured origin come over it. */
const isSecure = ({ request }: Call): boolean => 'encrypted' in request.socket && request.socket.encrypted === true;

const cookie = (name: string, value: string, maxAgeSeconds: number): string =>
  `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${name === SECURE_COOKIE ? '; Secure' : ''}`;
