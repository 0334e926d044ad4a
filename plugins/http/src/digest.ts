import { createHash, randomBytes } from 'node:crypto';
import { TaskFailure } from '@millrace/plugin-api';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What of a request the answer to a challenge is made of. */
export interface Challenged {
  readonly method: string;
  readonly url: URL;
}

const ALGORITHMS: Readonly<Record<string, 'md5' | 'sha256' | 'sha512-256'>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

/** The parameters of the strongest Digest challenge of the headers `WWW-Authenticate`; undefined when there is none. */
export function digestChallenge(headers: readonly string[]): ReadonlyMap<string, string> | undefined {
  const challenges = headers.flatMap(challengesOf);
  const strength = (parameters: ReadonlyMap<string, string>): number =>
    Object.keys(ALGORITHMS).indexOf(algorithmOf(parameters).name);
  return challenges
    .filter((parameters) => strength(parameters) >= 0)
    .sort((one, other) => strength(other) - strength(one))[0];
}

/** The challenges of one header, which may have several; only those of the scheme Digest. */
function challengesOf(header: string): ReadonlyMap<string, string>[] {
  return header
    .split(/(?:^|,)\s*(?=[A-Za-z][\w-]*\s+[A-Za-z][\w-]*\s*=)/)
    .filter((challenge) => /^digest\s/i.test(challenge.trim()))
    .map((challenge) => {
      const parameters = challenge.trim().slice('digest'.length);
      const found = parameters.matchAll(/([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g);
      return new Map(
        [...found].map(([, name = '', quoted, plain]) => [
          name.toLowerCase(),
          quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '',
        ]),
      );
    });
}

function algorithmOf(challenge: ReadonlyMap<string, string>): { readonly name: string; readonly isSession: boolean } {
  const written = (challenge.get('algorithm') ?? 'MD5').toUpperCase();
  return { name: written.replace(/-SESS$/, ''), isSession: written.endsWith('-SESS') };
}

/**
 * The header `Authorization` that answers a Digest challenge (RFC 7616).
 * @param clientNonce random; given by tests
 * @throws TaskFailure when the server wants the body to be part of it (`auth-int`), which is not done
 */
export function digestAuthorization(
  challenge: ReadonlyMap<string, string>,
  { username, password }: Credentials,
  { method, url }: Challenged,
  clientNonce = randomBytes(16).toString('hex'),
): string {
  const { name, isSession } = algorithmOf(challenge);
  const hash = (...parts: readonly string[]): string =>
    createHash(ALGORITHMS[name] ?? 'md5')
      .update(parts.join(':'))
      .digest('hex');
  const [realm = '', nonce = ''] = [challenge.get('realm'), challenge.get('nonce')];
  const protections = challenge
    .get('qop')
    ?.split(',')
    .map((one) => one.trim().toLowerCase());
  if (protections && !protections.includes('auth'))
    throw new TaskFailure(`${url.host} wants DIGEST authentication with 'auth-int', which is not supported`);
  const uri = url.pathname + url.search;
  const count = '00000001';
  const secret = hash(username, realm, password);
  const first = isSession ? hash(secret, nonce, clientNonce) : secret;
  const second = hash(method, uri);
  const response = protections ? hash(first, nonce, count, clientNonce, 'auth', second) : hash(first, nonce, second);
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const opaque = challenge.get('opaque');
  const members = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    ...(challenge.has('algorithm') ? [`algorithm=${challenge.get('algorithm')}`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(protections ? ['qop=auth', `nc=${count}`, `cnonce="${clientNonce}"`] : []),
  ];
  return `Digest ${members.join(', ')}`;
}
