import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { excerpt } from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';
import { connectionFailure } from './connection-failure.js';
import { openTunnel, proxyAuthorization, proxyFailure, type Proxy } from './proxy.js';

/** One request as it goes over the wire. */
export interface OutgoingRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Made anew for each redirect that repeats it. */
  readonly body?: () => Promise<Readable | string | Buffer>;
}

export interface ExchangeLimits {
  /** Milliseconds; undefined leaves it to the system. */
  readonly connectMs: number | undefined;
  /** Milliseconds in which nothing comes. */
  readonly idleMs: number;
  readonly anyCertificate: boolean;
  /** Absent: a direct connection. */
  readonly proxy?: Proxy;
  readonly signal: AbortSignal;
}

/** What comes before the body of an answer. */
export interface AnswerHead {
  readonly code: number;
  /** The words after the code. */
  readonly reason: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

export interface Answer<Body = Buffer> extends AnswerHead {
  readonly body: Body;
}

/** Takes an answer's body, decompressed, to its end. */
export type TakeBody<Body> = (stream: AsyncIterable<Buffer>, head: AnswerHead) => Promise<Body>;

/** Reads a body into memory. @throws TaskFailure when it is larger */
export const inMemory =
  (bytesMax: number): TakeBody<Buffer> =>
  async (stream) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        throw new TaskFailure(
          `The answer is larger than ${bytesMax} bytes, the most that is taken: ask for less, or use core.http.Download`,
        );
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };

/**
 * Sends one request and takes the whole answer.
 * @throws TaskFailure when there is no answer or it stops coming; what `take` throws; the signal's reason when aborted
 */
export async function exchange<Body>(
  outgoing: OutgoingRequest,
  limits: ExchangeLimits,
  take: TakeBody<Body>,
): Promise<Answer<Body>> {
  limits.signal.throwIfAborted();
  // Node forgets why a request was given up once its answer has begun.
  const times: Times = { passed: undefined };
  try {
    const body = await outgoing.body?.();
    const message = await send(outgoing, body, limits, times, await tunnelFor(outgoing.url, limits));
    const head = {
      code: message.statusCode ?? 0,
      reason: message.statusMessage ?? '',
      headers: headersOf(message),
    };
    return { ...head, body: await takeBody(message, (stream) => take(stream, head)) };
  } catch (error) {
    limits.signal.throwIfAborted();
    throw times.passed ?? (error instanceof TaskFailure ? error : connectionFailure(outgoing.url, error));
  }
}

/** The time limit that has passed. */
interface Times {
  passed: TaskFailure | undefined;
}

function send(
  outgoing: OutgoingRequest,
  body: Readable | string | Buffer | undefined,
  limits: ExchangeLimits,
  times: Times,
  tunnel: Socket | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = openRequest(outgoing, limits, tunnel);
    let isConnected = tunnel !== undefined;
    client.once('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    client.on('error', (error) => reject(limits.proxy && !isConnected ? proxyFailure(limits.proxy, error) : error));
    client.once('response', resolve);
    refuseTunnels(client, outgoing.url, reject);
    // Comes last: a connection that ends in a way of which nothing above was told must end the wait too.
    client.once('close', () => reject(connectionFailure(outgoing.url, { code: 'ERR_STREAM_PREMATURE_CLOSE' })));
    watchTimes(client, outgoing.url, tunnel ? { ...limits, connectMs: undefined } : limits, times);
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) client.end(body);
    else pipeline(body, client).catch(reject);
  });
}

/** A proxy of type HTTP passes requests without TLS on by itself; for all else it gives a connection. */
async function tunnelFor(url: URL, limits: ExchangeLimits): Promise<Socket | undefined> {
  const { proxy } = limits;
  if (!proxy || (proxy.type === 'HTTP' && url.protocol === 'http:')) return undefined;
  return openTunnel(proxy, url, limits);
}

/** An answer that turns the connection into one of another protocol has no end that could be waited for. */
function refuseTunnels(client: ClientRequest, url: URL, refuse: (failure: TaskFailure) => void): void {
  const giveUp = (sentence: string): void => {
    refuse(new TaskFailure(`${url.host} ${sentence}`));
    client.destroy();
  };
  const onSwitch = ({ headers, statusCode }: IncomingMessage): void => {
    if (statusCode !== 101) return;
    const protocol = headers.upgrade === undefined ? 'another protocol' : `the protocol '${excerpt(headers.upgrade)}'`;
    giveUp(
      `answered 101 and goes on with ${protocol}, which is no answer to a request: leave out the header 'Upgrade'`,
    );
  };
  client.once('upgrade', onSwitch);
  // Node takes a 101 that names no protocol for an answer.
  client.prependOnceListener('response', onSwitch);
  client.once('connect', ({ statusCode }) => {
    giveUp(
      `answered ${statusCode} to the method CONNECT, which opens a tunnel and gives no answer: use another method`,
    );
  });
}

/** @throws TypeError of Node for headers and paths with characters that HTTP does not allow */
function openRequest(
  { url, method, headers }: OutgoingRequest,
  { anyCertificate, signal, proxy }: ExchangeLimits,
  tunnel: Socket | undefined,
): ClientRequest {
  const options: RequestOptions = {
    method,
    signal,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
    ),
    // A connection of its own: one kept open may be closed by the server just when the next request is sent.
    ...(tunnel ? { createConnection: () => tunnel } : { agent: false }),
  };
  // A tunnel to what speaks TLS does so already.
  if (tunnel) return url.protocol === 'http:' ? requestHttp(url, options) : requestHttps(url, options);
  if (proxy) {
    const { host, port } = proxy;
    const ownHeaders = { host: url.host, ...options.headers, ...proxyAuthorization(proxy) };
    return requestHttp({ ...options, host, port, path: url.href, headers: ownHeaders });
  }
  if (url.protocol === 'http:') return requestHttp(url, options);
  return requestHttps(url, { ...options, rejectUnauthorized: !anyCertificate });
}

function watchTimes(client: ClientRequest, url: URL, { connectMs, idleMs }: ExchangeLimits, times: Times): void {
  const giveUp = (sentence: string): void => {
    times.passed = new TaskFailure(sentence);
    client.destroy(times.passed);
  };
  client.setTimeout(idleMs, () => {
    giveUp(`${url.host} sent nothing for ${idleMs / 1_000} s, the readIdleTimeout`);
  });
  if (connectMs === undefined) return;
  const timer = setTimeout(() => {
    giveUp(`No connection to ${url.host} within ${connectMs / 1_000} s, the connectTimeout`);
  }, connectMs);
  const stop = (): void => clearTimeout(timer);
  client.once('socket', (socket) => socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', stop));
  client.once('close', stop);
}

function headersOf(message: IncomingMessage): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(message.headersDistinct).map(([name, values]) => [name, values ?? []]));
}

async function takeBody<Body>(
  message: IncomingMessage,
  take: (stream: AsyncIterable<Buffer>) => Promise<Body>,
): Promise<Body> {
  const unpack = decompressor(message);
  return unpack ? pipeline(message, unpack, take) : pipeline(message, take);
}

function decompressor({ headers, statusCode }: IncomingMessage) {
  if (statusCode === 204 || statusCode === 304) return undefined;
  switch (headers['content-encoding']?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}
