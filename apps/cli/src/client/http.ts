import { isPlainObject } from '@millrace/model';
import { serverSentEvents, type ServerSentEvent } from './server-sent-events.js';

/** Who calls. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface HttpOptions {
  /** The server, such as `http://localhost:8080`; a path is kept as prefix. */
  readonly url: string;
  readonly credentials?: Credentials;
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly body?: string | FormData;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Plain HTTP against one server, with its credentials. */
export interface Http {
  readonly url: string;
  /** The parsed JSON answer; undefined when the answer has no body. */
  json(method: Method, path: string, options?: RequestOptions): Promise<unknown>;
  /** The body as it comes. */
  stream(path: string, options?: RequestOptions): Promise<AsyncIterable<Uint8Array>>;
  events(path: string, options?: RequestOptions): AsyncGenerator<ServerSentEvent, void, undefined>;
}

/** The server answered with an error; `message` is its sentence. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** There was no answer. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
}

/** Characters of an error's body that are read. */
const ERROR_LENGTH_MAX = 64 * 1024;

export function createHttp({ url, credentials }: HttpOptions): Http {
  const base = url.replace(/\/+$/, '');
  const headers = credentials ? { authorization: basicAuthorization(credentials) } : {};

  const send = async (method: Method, path: string, accept: string, options: RequestOptions): Promise<Response> => {
    const { body, contentType, signal, query } = options;
    let response: Response;
    try {
      response = await fetch(base + path + queryText(query ?? {}), {
        method,
        headers: { accept, ...headers, ...(contentType ? { 'content-type': contentType } : {}) },
        ...(body === undefined ? {} : { body }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ServerUnreachable(`No server answers at ${base}: ${reason(error)}`, { cause: error });
    }
    if (!response.ok) throw new ServerRefusal(response.status, await refusalMessage(response, credentials));
    return response;
  };
  const stream = async (path: string, accept: string, options: RequestOptions): Promise<AsyncIterable<Uint8Array>> => {
    const { body } = await send('GET', path, accept, options);
    return body ?? (async function* () {})();
  };
  return {
    url: base,
    async json(method, path, options = {}) {
      const text = await (await send(method, path, 'application/json', options)).text();
      return text === '' ? undefined : JSON.parse(text);
    },
    stream: (path, options = {}) => stream(path, '*/*', options),
    async *events(path, options = {}) {
      yield* serverSentEvents(interruptible(await stream(path, 'text/event-stream', options), base));
    },
  };
}

/** A stream that is cut off is a server that went away. */
async function* interruptible(
  body: AsyncIterable<Uint8Array>,
  base: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    if (isPlainObject(error) && error['name'] === 'AbortError') throw error;
    throw new ServerUnreachable(`The connection to ${base} was lost: ${reason(error)}`, { cause: error });
  }
}

const basicAuthorization = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;

function queryText(query: NonNullable<RequestOptions['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === 'object') for (const one of value) parameters.append(name, one);
    else parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** fetch says "fetch failed" and hides the reason in `cause`. */
function reason(error: unknown): string {
  const cause = isPlainObject(error) && isPlainObject(error['cause']) ? error['cause'] : error;
  if (!isPlainObject(cause)) return String(cause);
  if (cause['code'] === 'ECONNREFUSED') return 'the connection was refused';
  if (cause['code'] === 'ENOTFOUND') return 'there is no host of that name';
  return typeof cause['message'] === 'string' && cause['message'] !== ''
    ? cause['message']
    : String(cause['code'] ?? cause);
}

async function refusalMessage(response: Response, credentials: Credentials | undefined): Promise<string> {
  const text = (await response.text()).slice(0, ERROR_LENGTH_MAX);
  if (response.status === 401) {
    if (text.includes('setup-required')) return messageOf(text) ?? 'The server has no account yet';
    return credentials
      ? `The server does not accept the user '${credentials.username}' with this password`
      : 'The server wants to know who you are: set MILLRACE_USER and MILLRACE_PASSWORD, or use --user NAME:PASSWORD';
  }
  return messageOf(text) ?? `The server answered ${response.status} ${response.statusText}`.trimEnd();
}

/** `{message, _embedded: {errors: [{path, message}]}}`, as one text. */
function messageOf(text: string): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined; // A proxy's page; the status says enough.
  }
  if (!isPlainObject(body) || typeof body['message'] !== 'string') return undefined;
  const embedded = isPlainObject(body['_embedded']) ? body['_embedded']['errors'] : undefined;
  const details = Array.isArray(embedded) ? embedded.filter(isPlainObject) : [];
  const lines = details
    .filter(({ message }) => message !== body['message'])
    .map(({ path, message }) =>
      typeof path === 'string' && path !== '' ? `${path}: ${String(message)}` : String(message),
    );
  return [body['message'], ...lines].join('\n  ');
}
