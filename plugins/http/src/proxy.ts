import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { request as requestHttp } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { TaskFailure } from '@millrace/plugin-api';
import { connectionFailure } from './connection-failure.js';
import { openSocks } from './socks.js';

/** A server that passes connections on. */
export interface Proxy {
  readonly type: 'HTTP' | 'SOCKS';
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export interface ProxyProperties {
  readonly type?: 'DIRECT' | 'HTTP' | 'SOCKS';
  readonly address?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
}

/** undefined: a direct connection. @throws TaskFailure when address or port are missing */
export function proxyOf(properties: ProxyProperties | undefined): Proxy | undefined {
  const { type = 'DIRECT', address, port, username, password } = properties ?? {};
  if (type === 'DIRECT') return undefined;
  if (address === undefined || address === '' || port === undefined)
    throw new TaskFailure("A proxy needs 'address' and 'port': give both in 'options.proxy'");
  return { type, host: address, port, username, password };
}

/** What a proxy of type HTTP wants to see of its user. */
export function proxyAuthorization({ username, password }: Proxy): Readonly<Record<string, string>> {
  if (username === undefined) return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
}

/** How the proxy is named in messages. */
export const proxyUrl = ({ host, port }: Proxy): URL =>
  new URL(`http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`);

export interface TunnelOptions {
  readonly signal: AbortSignal;
  readonly connectMs: number | undefined;
  readonly anyCertificate: boolean;
}

/**
 * A connection to the host of `url` through a proxy, TLS included.
 * @throws TaskFailure that says whether proxy or host are the reason; the signal's reason
 */
export async function openTunnel(proxy: Proxy, url: URL, options: TunnelOptions): Promise<Socket> {
  const late = options.connectMs === undefined ? undefined : AbortSignal.timeout(options.connectMs);
  const signal = late ? AbortSignal.any([options.signal, late]) : options.signal;
  try {
    const raw = await (proxy.type === 'SOCKS' ? throughSocks(proxy, url, signal) : throughHttp(proxy, url, signal));
    return url.protocol === 'https:' ? await secured(raw, url, options.anyCertificate, signal) : raw;
  } catch (error) {
    options.signal.throwIfAborted();
    if (late?.aborted)
      throw new TaskFailure(
        `No connection to ${url.host} through the proxy within ${(options.connectMs ?? 0) / 1_000} s, the connectTimeout`,
      );
    throw error;
  }
}

const portOf = (url: URL): number => Number(url.port) || (url.protocol === 'https:' ? 443 : 80);

/** Without the brackets of an address of version 6. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

function throughHttp(proxy: Proxy, url: URL, signal: AbortSignal): Promise<Socket> {
  const target = `${url.hostname}:${portOf(url)}`;
  return new Promise((resolve, reject) => {
    const client = requestHttp({
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(proxy) },
      agent: false,
      signal,
    });
    client.once('connect', ({ statusCode, statusMessage }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(refusedBy(proxy, `${statusCode} ${statusMessage}`, url));
    });
    client.once('response', (answer) => {
      answer.destroy();
      reject(refusedBy(proxy, `${answer.statusCode} ${answer.statusMessage}`, url));
    });
    client.on('error', (error) => reject(proxyFailure(proxy, error)));
    client.end();
  });
}

const refusedBy = (proxy: Proxy, answer: string, url: URL): TaskFailure =>
  new TaskFailure(`The proxy ${proxyUrl(proxy).host} gives no connection to ${url.host}: it answered ${answer}`);

export function proxyFailure(proxy: Proxy, error: unknown): TaskFailure {
  const failure = connectionFailure(proxyUrl(proxy), error);
  return new TaskFailure(`The proxy: ${failure.message}`, undefined, error);
}

async function throughSocks(proxy: Proxy, url: URL, signal: AbortSignal): Promise<Socket> {
  const socket = await connected(proxy, signal);
  try {
    await openSocks(socket, proxy, { host: hostOf(url), port: portOf(url) }, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error instanceof TaskFailure ? error : proxyFailure(proxy, error);
  }
}

function connected(proxy: Proxy, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: proxy.host, port: proxy.port, signal });
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error) => reject(proxyFailure(proxy, error)));
  });
}

function secured(raw: Socket, url: URL, anyCertificate: boolean, signal: AbortSignal): Promise<Socket> {
  const host = hostOf(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      socket: raw,
      host,
      rejectUnauthorized: !anyCertificate,
      ...(isIP(host) === 0 && { servername: host }),
    });
    const stop = (): void => {
      socket.destroy(new Error('stopped'));
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
    socket.once('error', (error) => reject(connectionFailure(url, error)));
  });
}
