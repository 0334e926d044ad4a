import { excerpt, type PlainObject } from '@millrace/model';
import { parseDuration, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import type { Static } from '@sinclair/typebox';
import {
  exchange,
  inMemory,
  type Answer,
  type AnswerHead,
  type ExchangeLimits,
  type OutgoingRequest,
  type TakeBody,
} from './exchange.js';
import { digestAuthorization, digestChallenge } from './digest.js';
import type { RequestOptions } from './properties.js';
import { proxyOf } from './proxy.js';
import { requestBody, textOf, type RequestBody } from './request-body.js';

export interface RequestProperties {
  readonly uri: string;
  readonly method?: string;
  readonly body?: string;
  readonly formData?: PlainObject;
  readonly params?: PlainObject;
  readonly contentType?: string;
  readonly headers?: PlainObject;
  readonly options?: Options;
}
type Options = Static<typeof RequestOptions>;

/** An answer, and where it came from after redirects. */
export interface Answered<Body = Buffer> extends Answer<Body> {
  readonly url: URL;
}

/** Bytes of an answer's body. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

const REDIRECTS_MAX = 10;
const IDLE_MS = 300_000;

/**
 * Sends the request that the properties describe and follows redirects.
 * @throws TaskFailure when there is no answer, or something was asked for that is not available
 */
export async function sendRequest<Body = Buffer>(
  properties: RequestProperties,
  context: Pick<TaskContext, 'signal' | 'log' | 'files'>,
  take: TakeBody<Body | Buffer> = inMemory(ANSWER_BYTES_MAX),
): Promise<Answered<Body | Buffer>> {
  const { options = {} } = properties;
  const body = requestBody(properties, context.files);
  let outgoing = firstRequest(properties, body);
  logRequest(outgoing, body, options, context);
  const limits = limitsOf(options, context.signal);
  let answersTo: string | undefined;
  for (let redirects = 0; ; redirects++) {
    let location: string | undefined;
    let challenge: ReadonlyMap<string, string> | undefined;
    const answer = await exchange<Body | Buffer>(outgoing, limits, (stream, head) => {
      location = (options.followRedirects ?? true) ? target(head) : undefined;
      challenge = answersTo === outgoing.url.href ? undefined : digestAsked(head, options);
      // What a redirection or a challenge says besides its target is of no use to anybody.
      const isLast = location === undefined && challenge === undefined;
      return isLast ? take(stream, head) : inMemory(ANSWER_BYTES_MAX)(stream, head);
    });
    if (challenge) {
      answersTo = outgoing.url.href;
      redirects -= 1;
      outgoing = withDigest(outgoing, challenge, options);
      continue;
    }
    if (location === undefined) return { ...answer, url: outgoing.url };
    if (redirects === REDIRECTS_MAX)
      throw new TaskFailure(`${outgoing.url.host} redirects more than ${REDIRECTS_MAX} times`);
    outgoing = redirected(outgoing, answer.code, location);
  }
}

/** The challenge of a server that wants DIGEST authentication, if the options have what it wants. */
const digestAsked = ({ code, headers }: AnswerHead, { auth }: Options): ReadonlyMap<string, string> | undefined =>
  code === 401 && auth?.type === 'DIGEST' ? digestChallenge(headers['www-authenticate'] ?? []) : undefined;

function withDigest(
  outgoing: OutgoingRequest,
  challenge: ReadonlyMap<string, string>,
  { auth }: Options,
): OutgoingRequest {
  const credentials = { username: auth?.username ?? '', password: auth?.password ?? '' };
  const authorization = digestAuthorization(challenge, credentials, outgoing);
  return { ...outgoing, headers: { ...outgoing.headers, authorization } };
}

/** Where a redirection points to. */
const target = ({ code, headers }: AnswerHead): string | undefined =>
  [301, 302, 303, 307, 308].includes(code) ? headers['location']?.[0] : undefined;

/** True for a status that is no failure by the options. */
export const isAccepted = (code: number, { allowFailed = false, allowedResponseCodes = [] }: Options = {}): boolean =>
  code < 400 || allowFailed || allowedResponseCodes.includes(code);

function parsedUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href))
    throw new TaskFailure(
      `'${excerpt(withoutCredentials(text.split('?')[0] ?? ''))}' is not a URI: write it as https://host/path`,
    );
  const url = new URL(text, base);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new TaskFailure(`A URI of an HTTP request begins with http:// or https://, but this one with ${url.protocol}`);
}

function firstRequest(
  { uri, method = 'GET', params = {}, headers = {}, options }: RequestProperties,
  body: RequestBody | undefined,
): OutgoingRequest {
  const { url, written } = takeCredentials(parsedUrl(uri.trim()));
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, textOf(one));
  }
  const all: Record<string, string | readonly string[]> = {
    accept: '*/*',
    'accept-encoding': 'gzip, deflate, br',
    'user-agent': 'Millrace',
    ...(body && { 'content-type': body.contentType }),
    ...authorization(options?.auth ?? basicAuth(written)),
  };
  for (const [name, value] of Object.entries(headers)) {
    all[name.toLowerCase()] = Array.isArray(value) ? value.map(textOf) : textOf(value);
  }
  return { url, method: method.toUpperCase(), headers: all, ...(body && { body: body.open }) };
}

interface WrittenCredentials {
  /** As in the URL: with `%` for special characters. */
  readonly username: string;
  readonly password: string;
}

/** Takes user and password out of the URL, so that no output or log shows them. */
function takeCredentials(from: URL): { readonly url: URL; readonly written: WrittenCredentials | undefined } {
  const { username, password } = from;
  const url = new URL(from);
  url.username = '';
  url.password = '';
  return { url, written: username === '' && password === '' ? undefined : { username, password } };
}

function basicAuth(written: WrittenCredentials | undefined): Options['auth'] {
  if (written === undefined) return undefined;
  try {
    const [username, password] = [decodeURIComponent(written.username), decodeURIComponent(written.password)];
    return { type: 'BASIC', username, password };
  } catch (error) {
    throw new TaskFailure(
      "The user or password in the URI has a '%' that begins no code of a character: write it as %25, or give both in 'options.auth'",
      undefined,
      error,
    );
  }
}

/** A text that may be a URL, or several, without what stands before an `@` of a host. */
const withoutCredentials = (text: string): string => text.replace(/\/\/[^/?#\s]*@/g, '//');

function authorization(auth: Options['auth']): Readonly<Record<string, string>> {
  if (auth?.type === 'BEARER') return { authorization: `Bearer ${auth.token ?? ''}` };
  if (auth?.type !== 'BASIC') return {};
  const credentials = Buffer.from(`${auth.username ?? ''}:${auth.password ?? ''}`).toString('base64');
  return { authorization: `Basic ${credentials}` };
}

function limitsOf({ timeout, ssl, proxy: written }: Options, signal: AbortSignal): ExchangeLimits {
  const proxy = proxyOf(written);
  const { connectTimeout, readIdleTimeout } = timeout ?? {};
  return {
    connectMs: connectTimeout === undefined ? undefined : parseDuration(connectTimeout),
    idleMs: (readIdleTimeout === undefined ? undefined : parseDuration(readIdleTimeout)) ?? IDLE_MS,
    signal,
    anyCertificate: ssl?.insecureTrustAllCertificates ?? false,
    ...(proxy && { proxy }),
  };
}

/** As browsers do: 303, and 301 and 302 after a POST, go on with a GET; credentials never reach another origin, nor does
 * one server choose those that are shown to another. */
function redirected({ url, method, headers, body }: OutgoingRequest, code: number, location: string): OutgoingRequest {
  const { url: target, written } = takeCredentials(parsedUrl(location, url));
  const asGet = code === 303 ? method !== 'HEAD' : code < 307 && method === 'POST';
  const left = new Set<string>(['host']);
  if (asGet) for (const name of ['content-type', 'content-length', 'transfer-encoding']) left.add(name);
  if (target.origin !== url.origin)
    for (const name of ['authorization', 'cookie', 'proxy-authorization']) left.add(name);
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !left.has(name)));
  // The answer to a Digest challenge is for one address.
  if (typeof kept['authorization'] === 'string' && kept['authorization'].startsWith('Digest '))
    delete kept['authorization'];
  const own = target.origin === url.origin ? authorization(basicAuth(written)) : {};
  return { url: target, method: asGet ? 'GET' : method, headers: { ...kept, ...own }, ...(body && !asGet && { body }) };
}

const SECRET_HEADERS: readonly string[] = ['authorization', 'cookie', 'set-cookie', 'proxy-authorization', 'x-api-key'];

/** Headers as text for the log, without those that are credentials. */
export function shownHeaders(headers: Readonly<Record<string, string | readonly string[]>>): string {
  const lines = Object.entries(headers).map(
    ([name, value]) =>
      `${name}: ${SECRET_HEADERS.includes(name) ? '******' : withoutCredentials([value].flat().join(', '))}`,
  );
  return lines.join('\n');
}

function logRequest(
  { headers, method, url }: OutgoingRequest,
  body: RequestBody | undefined,
  { logs = [] }: Options,
  { log }: Pick<TaskContext, 'log'>,
): void {
  if (logs.includes('REQUEST_HEADERS'))
    log.write('INFO', `Request headers: ${method} ${url.host}${url.pathname}\n${shownHeaders(headers)}`);
  if (logs.includes('REQUEST_BODY')) log.write('INFO', `Request body: ${body?.shown ?? ''}`);
}
