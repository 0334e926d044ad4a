import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { knownBrokers } from '../src/servers/known-brokers.js';

/** What a real broker answers is asked in servers.contract.test.ts; here are those that are none. */
describe('asking for brokers', () => {
  let server: Server;
  const open = new Set<Socket>();
  async function listening(talk: (socket: Socket) => void): Promise<number> {
    server = createServer((socket) => {
      open.add(socket.on('error', () => undefined));
      talk(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  afterEach(() => {
    open.forEach((socket) => socket.destroy());
    server.close();
  });

  it('fails where somebody listens and says nothing', async () => {
    const port = await listening(() => undefined);
    await expect(knownBrokers(port, 50)).rejects.toThrow(`Nobody answered on port ${port} within 50 ms`);
  });

  it('fails where the connection is closed', async () => {
    const port = await listening((socket) => socket.end());
    await expect(knownBrokers(port, 5_000)).rejects.toThrow('closed without an answer');
  });

  it('fails where something else answers', async () => {
    const port = await listening((socket) => socket.write(Buffer.from([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9])));
    await expect(knownBrokers(port, 5_000)).rejects.toThrow('does not answer as a Kafka broker does');
  });

  it('fails where nobody listens', async () => {
    const port = await listening(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    await expect(knownBrokers(port, 5_000)).rejects.toThrow('ECONNREFUSED');
  });
});
