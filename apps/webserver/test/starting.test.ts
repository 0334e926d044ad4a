import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { USERS_KEY, type Clock } from '@millrace/model';
import { systemClock } from '@millrace/service';
import { STOP_GRACE_MS } from '../src/webserver.js';
import { createInstallation, PASSWORD, topics, USER, type Installation } from './server.js';

let installation: Installation;
beforeEach(() => {
  installation = createInstallation();
});
afterEach(() => installation.stop());

/** Somebody else's server on a port of its own. */
async function otherServer(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const other: Server = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  if (typeof address !== 'object' || !address) throw new Error('No address');
  return { port: address.port, close: () => new Promise((resolve) => other.close(() => resolve())) };
}

const users = async (): Promise<number> => {
  const view = await installation.queue.view(topics.resources);
  const count = view.records(USERS_KEY).size;
  view.close();
  return count;
};

describe('a server whose port is taken', () => {
  it('does not start, and makes no account of which nobody knows', async () => {
    const other = await otherServer();
    await installation.executing.start();
    await expect(installation.webserver({ port: other.port }).start()).rejects.toThrow(/the port is taken/);
    await other.close();
    expect(await users()).toBe(0);
  });
});

describe('a server that starts', () => {
  it('answers only for its health until the first account exists', async () => {
    const { port, close } = await otherServer();
    await close();
    const webserver = installation.webserver({ port });
    // Nobody answers the command that creates the account yet.
    const asked = await installation.published(topics.resourceCommands);
    const started = webserver.start();
    await asked.first;
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await get('/ping')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(503);
    for (const path of ['/', '/api/v1/setup', '/api/v1/configs', '/api/v1/main/flows/search']) {
      const answer = await get(path);
      expect([path, answer.status, await answer.json()]).toEqual([
        path,
        503,
        expect.objectContaining({ code: 'starting' }),
      ]);
    }
    await installation.executing.start();
    await started;
    expect((await get('/health/ready')).status).toBe(200);
    const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
    expect((await fetch(`${webserver.url}/api/v1/me`, { headers: { authorization } })).status).toBe(200);
  });

  it('and cannot create the account does not go on listening', async () => {
    const { port, close } = await otherServer();
    await close();
    await installation.executing.start();
    const webserver = installation.webserver({ port, host: '0.0.0.0' }, { username: USER, password: 'short' });
    await expect(webserver.start()).rejects.toThrow(/password of the first account/);
    await expect(fetch(`http://127.0.0.1:${port}/ping`)).rejects.toThrow();
  });
});

describe('a server that stops', () => {
  it('does not wait for connections that never asked anything', async () => {
    // The time that requests under way get is never over.
    const clock: Clock = {
      now: () => systemClock.now(),
      after: (ms, run) => (ms === STOP_GRACE_MS ? () => undefined : systemClock.after(ms, run)),
    };
    await installation.stop();
    installation = createInstallation(clock);
    await installation.executing.start();
    const webserver = installation.webserver({});
    await webserver.start();
    const { hostname, port } = new URL(webserver.url);
    const socket = connect(Number(port), hostname);
    const ended = once(socket.resume(), 'close');
    await once(socket, 'connect');
    await fetch(`${webserver.url}/ping`);
    await webserver.stop();
    await ended;
  });
});
