import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { list, plain, text } from '../cluster/plain.js';

/** A document that Elasticsearch has confirmed. */
export interface Acknowledged {
  /** Key of the record that it was made of. */
  readonly key: string;
  /** Id of a task run; empty: the document is the head of an execution. */
  readonly id: string;
  readonly revision: number;
  /** When the answer was here, in milliseconds since the epoch. */
  readonly at: number;
}

/** Stands between the servers and Elasticsearch, hands everything on, and notes when each document was confirmed. */
export interface BulkWatch {
  /** The address that stands in for Elasticsearch's. */
  readonly url: string;
  /** Heads and task runs, in the order of their answers. */
  acknowledged(): readonly Acknowledged[];
  close(): void;
}

/** As it came, taken apart later: nothing shall be slower than without it. */
interface Bulk {
  readonly at: number;
  readonly asked: Buffer;
  readonly answered: Buffer;
}

export async function startBulkWatch(elasticsearch: string): Promise<BulkWatch> {
  const bulks: Bulk[] = [];
  const agent = new Agent({ keepAlive: true });
  const handOn = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { url = '/', method, headers } = incoming;
    const asked = await bytesOf(incoming);
    const sent = request(new URL(url, elasticsearch), { method, headers, agent }).end(asked);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const answered = await bytesOf(answer);
    const { statusCode = 500 } = answer;
    if (statusCode < 300 && url.startsWith('/_bulk')) bulks.push({ at: Date.now(), asked, answered });
    outgoing.writeHead(statusCode, answer.headers).end(answered);
  };
  const server = createServer((incoming, outgoing) => {
    // Whoever asked is told by the connection's end, as by a server that has gone.
    handOn(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was free on this machine');
  return {
    url: `http://127.0.0.1:${address.port}`,
    acknowledged: () => bulks.flatMap(documentsOf),
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

function documentsOf({ at, asked, answered }: Bulk): readonly Acknowledged[] {
  const answer = plain(JSON.parse(answered.toString('utf8')));
  const items = list(answer['items']);
  const lines = asked.toString('utf8').split('\n');
  const documents: Acknowledged[] = [];
  let place = 0;
  for (let line = 0; line < lines.length && lines[line] !== ''; place++) {
    const action = plain(JSON.parse(lines[line++] ?? ''));
    if (action['index'] === undefined) continue; // a removal has no document
    const document = plain(JSON.parse(lines[line++] ?? ''));
    const { _index, version } = plain(action['index']);
    const status = answer['errors'] === false ? 200 : Number(plain(items[place]?.['index'])['status']);
    const [, kind] = /(executions|task-runs)-v\d+-/.exec(text(_index)) ?? [];
    if (status >= 300 || kind === undefined) continue;
    const id = kind === 'executions' ? '' : text(document['id']);
    documents.push({ key: text(document['key']), id, revision: Number(version), at });
  }
  return documents;
}
