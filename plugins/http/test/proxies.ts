import { createServer, request as requestHttp } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { listening } from './support.js';

/** A request as the proxy got it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
}

/** A proxy of type HTTP: passes requests on, opens tunnels. */
export async function httpProxy(seen: Seen[], user?: string): Promise<number> {
  const note = (method = '', url = '', authorization: string | undefined): boolean => {
    seen.push({ method, url, authorization });
    return user === undefined || authorization === `Basic ${Buffer.from(user).toString('base64')}`;
  };
  const server = createServer((incoming, response) => {
    if (!note(incoming.method, incoming.url, incoming.headers['proxy-authorization'])) {
      response.writeHead(407).end('who?');
      return;
    }
    const onward = requestHttp(incoming.url ?? '', { method: incoming.method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket: Socket) => {
    if (!note('CONNECT', incoming.url, incoming.headers['proxy-authorization'])) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    join(socket, incoming.url ?? '', 'HTTP/1.1 200 OK\r\n\r\n');
  });
  return listening(server);
}

function join(socket: Socket, target: string, hello: string | Buffer): void {
  const [host = '', port = ''] = target.split(':');
  const onward = connect(Number(port), host, () => {
    socket.write(hello);
    socket.pipe(onward).pipe(socket);
  });
  for (const one of [socket, onward]) one.on('error', () => one.destroy());
}

/** A SOCKS 5 proxy; `reply` other than 0 is a refusal. */
export function socksProxy(
  seen: string[],
  { user, reply = 0 }: { user?: string; reply?: number } = {},
): Promise<number> {
  const server = createTcpServer((socket) => {
    let step: 'methods' | 'user' | 'target' = 'methods';
    socket.on('error', () => socket.destroy());
    const onData = (bytes: Buffer): void => {
      if (step === 'methods') {
        const wanted = user === undefined ? 0 : 2;
        const offered = bytes.subarray(2).includes(wanted);
        socket.write(Buffer.from([5, offered ? wanted : 255]));
        step = user === undefined ? 'target' : 'user';
      } else if (step === 'user') {
        const nameLength = bytes[1] ?? 0;
        const name = bytes.subarray(2, 2 + nameLength).toString();
        const password = bytes.subarray(3 + nameLength).toString();
        socket.write(Buffer.from([1, `${name}:${password}` === user ? 0 : 1]));
        step = 'target';
      } else {
        const isName = bytes[3] === 3;
        const length = isName ? (bytes[4] ?? 0) : 4;
        const start = isName ? 5 : 4;
        const address = bytes.subarray(start, start + length);
        const host = isName ? address.toString() : [...address].join('.');
        const target = `${host}:${bytes.readUInt16BE(start + length)}`;
        seen.push(target);
        socket.off('data', onData);
        const answer = Buffer.from([5, reply, 0, 1, 127, 0, 0, 1, 0, 1]);
        if (reply === 0) join(socket, target.replace('localhost', '127.0.0.1'), answer);
        else socket.end(answer);
      }
    };
    socket.on('data', onData);
  });
  return listening(server);
}
