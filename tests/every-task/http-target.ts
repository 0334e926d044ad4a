import type { IncomingMessage, ServerResponse } from 'node:http';

/** Longest body that the target keeps. */
const BODY_MAX = 1024 * 1024;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const piece = Buffer.from(chunk as Uint8Array);
    size += piece.length;
    if (size > BODY_MAX) throw new Error('The body is too large for this target');
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString();
}

/** The other end of HTTP tasks: answers what it was asked (`/echo`), a status, a redirection, events, files. */
export function answerForTasks(request: IncomingMessage, response: ServerResponse): void {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://target');
  const [, kind = '', argument = ''] = url.pathname.split('/');
  switch (kind) {
    case 'status':
      return void response.writeHead(Number(argument)).end(`status ${argument}`);
    case 'redirect':
      return void response.writeHead(302, { location: '/echo' }).end();
    case 'empty':
      return void response.writeHead(200, { 'content-length': '0' }).end();
    case 'file':
      return void response
        .writeHead(200, { 'content-type': 'text/csv', 'content-disposition': `attachment; filename="${argument}"` })
        .end('a,b\n1,2\n');
    case 'latin':
      return void response.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.from([0x63, 0x61, 0x66, 0xe9]));
    case 'events':
      return void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('id: 1\nevent: a\ndata: {"n":1}\n\nid: 2\nevent: b\ndata: {"n":2}\n\n');
    case 'private':
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="target"' }).end();
      return void response.end(request.headers.authorization);
    default: {
      const { method, headers } = request;
      const seen = { method, path: url.pathname, query: Object.fromEntries(url.searchParams), headers };
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ ...seen, body: await bodyOf(request) }));
    }
  }
}
