import type { Socket } from 'node:net';
import { isIPv4 } from 'node:net';
import { TaskFailure } from '@millrace/plugin-api';
import type { Proxy } from './proxy.js';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const ADDRESS_V4 = 1;
const DOMAIN = 3;

const REFUSALS: Readonly<Record<number, string>> = {
  1: 'it failed',
  2: 'its rules do not allow it',
  3: 'there is no way to the network',
  4: 'there is no way to the host',
  5: 'nothing listens there',
  6: 'the host does not answer',
  7: 'it does not do that',
  8: 'it does not know such addresses',
};

/**
 * Asks a SOCKS proxy (RFC 1928, 1929) for a connection; afterwards the socket is that connection. Names are looked up by
 * the proxy.
 * @throws TaskFailure when the proxy refuses, or speaks otherwise
 */
export async function openSocks(
  socket: Socket,
  { username, password, host: proxyHost }: Pick<Proxy, 'username' | 'password' | 'host'>,
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  const refuse = (why: string): never => {
    throw new TaskFailure(`The proxy ${proxyHost} gives no connection to ${target.host}: ${why}`);
  };
  const methods = username === undefined ? [NO_AUTHENTICATION] : [NO_AUTHENTICATION, USER_AND_PASSWORD];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method] = await take(socket, 2, signal);
  if (version !== VERSION) refuse('it does not speak SOCKS 5');
  if (method === USER_AND_PASSWORD && username !== undefined) {
    socket.write(Buffer.from([1, ...text(username, 'username'), ...text(password ?? '', 'password')]));
    const [, status] = await take(socket, 2, signal);
    if (status !== 0) refuse('it does not know the user or password');
  } else if (method !== NO_AUTHENTICATION) refuse('it wants another way to log in');
  socket.write(Buffer.from([VERSION, 1, 0, ...addressOf(target.host), target.port >>> 8, target.port & 0xff]));
  const [, reply = 1, , kind] = await take(socket, 4, signal);
  if (reply !== 0) refuse(REFUSALS[reply] ?? `it answered ${reply}`);
  // The address that the proxy itself uses, and its port.
  const length = kind === ADDRESS_V4 ? 4 : kind === DOMAIN ? ((await take(socket, 1, signal))[0] ?? 0) : 16;
  await take(socket, length + 2, signal);
}

function text(value: string, name: string): readonly number[] {
  const bytes = Buffer.from(value);
  if (bytes.length > 255) throw new TaskFailure(`The ${name} of the proxy is longer than 255 bytes`);
  return [bytes.length, ...bytes];
}

function addressOf(host: string): readonly number[] {
  if (isIPv4(host)) return [ADDRESS_V4, ...host.split('.').map(Number)];
  return [DOMAIN, ...text(host, 'host')];
}

/** Reads so many bytes and not one more: what follows belongs to the connection. */
function take(socket: Socket, count: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      for (const event of ['readable', 'end', 'error', 'close']) socket.off(event, onEvent);
      signal.removeEventListener('abort', onEvent);
    };
    const onEvent = (error?: unknown): void => {
      const bytes: unknown = signal.aborted ? null : socket.read(count);
      if (Buffer.isBuffer(bytes) && bytes.length === count) {
        settle();
        resolve(bytes);
      } else if (signal.aborted || socket.destroyed || socket.readableEnded || error instanceof Error) {
        settle();
        reject(error instanceof Error ? error : Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
      }
    };
    for (const event of ['readable', 'end', 'error', 'close']) socket.on(event, onEvent);
    signal.addEventListener('abort', onEvent, { once: true });
    onEvent();
  });
}
