import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EXIT, runCli } from '@millrace/cli';
import { openDataFolder, type DataFolder } from '../src/data-folder.js';
import { aContext, type TestContext } from './a-context.js';

describe('which server and which account', () => {
  let context: TestContext;
  let folder: DataFolder;
  let server: Server;
  let url: string;
  let authorizations: (string | undefined)[];
  beforeEach(async () => {
    context = aContext();
    folder = openDataFolder(join(context.workingDirectory, '.millrace'));
    folder.keepCredentials({ username: 'admin', password: 'of-the-folder' });
    authorizations = [];
    server = createServer(({ headers }, response) => {
      authorizations.push(headers.authorization);
      response.writeHead(200, { connection: 'close' }).end('{"results":[],"total":0}');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  const close = (): Promise<void> => new Promise((done) => void server.close(() => done()));
  afterEach(async () => {
    await close();
    context.cleanUp();
  });
  const list = (...args: string[]): Promise<number> => runCli(['executions', 'list', ...args], context);
  const ofTheFolder = `Basic ${Buffer.from('admin:of-the-folder').toString('base64')}`;

  it("keeps the folder's account to itself when another server is named", async () => {
    folder.announce({ url: 'http://127.0.0.1:1', pid: process.ppid });
    expect(await list('--server', url)).toBe(EXIT.ok);
    expect(authorizations).toEqual([undefined]);
  });

  it("uses the folder's account for the server of the folder, named or not", async () => {
    folder.announce({ url, pid: process.ppid });
    expect(await list()).toBe(EXIT.ok);
    expect(await list('--server', `${url}/`)).toBe(EXIT.ok);
    expect(authorizations).toEqual([ofTheFolder, ofTheFolder]);
  });

  it('sends a given account to whichever server is named', async () => {
    expect(await list('--server', url, '--user', 'ada:hers')).toBe(EXIT.ok);
    expect(authorizations).toEqual([`Basic ${Buffer.from('ada:hers').toString('base64')}`]);
  });

  it('takes an address at which nobody listens for one that was left behind', async () => {
    folder.announce({ url, pid: process.ppid });
    await close();
    expect(await list()).toBe(EXIT.unreachable);
    expect(context.stderr.text).toContain('No server runs on the data folder');
  });
});
