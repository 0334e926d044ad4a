import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EXIT, ServerRefusal, createClient, runCli, type Credentials } from '@millrace/cli';
import { openDataFolder, type DataFolder } from '../src/data-folder.js';
import { aContext, type TestContext } from './a-context.js';

const FLOW = `id: hello
namespace: test
tasks:
  - id: say
    type: core.log.Log
    message: Hello
`;
const LONG_FLOW = `id: long
namespace: test
tasks:
  - id: wait
    type: core.flow.Sleep
    duration: PT1H
`;
const ADA: Credentials = { username: 'ada', password: 'Analytical-Engine-1' };
/** Against hanging only: real servers start and stop. */
const LIMIT_MS = 60_000;

let context: TestContext;
let folder: DataFolder;
beforeEach(() => {
  context = aContext();
  folder = openDataFolder(join(context.workingDirectory, '.millrace'));
  writeFileSync(join(context.workingDirectory, 'hello.yml'), FLOW);
  writeFileSync(join(context.workingDirectory, 'long.yml'), LONG_FLOW);
});
afterEach(() => context.cleanUp());

/** Another command in the same folder. */
const again = (environment: Readonly<Record<string, string>> = {}): TestContext => ({
  ...aContext(environment),
  workingDirectory: context.workingDirectory,
});

/** Runs a server, does something with it, stops it. */
async function whileServing(args: readonly string[], work: (url: string) => Promise<void>): Promise<TestContext> {
  const own = again();
  const code = runCli(['server', 'standalone', '--port', '0', '--log-level', 'error', ...args], own);
  await Promise.race([own.stdout.has(/Stop +Ctrl/), code]);
  const [url] = /http:\S+/.exec(own.stdout.text) ?? [];
  if (url === undefined) throw new Error(`The server did not start: ${own.stderr.text}`);
  try {
    await work(url);
  } finally {
    own.signals.emit('SIGTERM');
    expect(await code).toBe(EXIT.ok);
  }
  return own;
}

async function opens(url: string, credentials: Credentials | undefined): Promise<boolean> {
  try {
    await createClient({ url, ...(credentials ? { credentials } : {}) }).searchFlows({ size: 1 });
    return true;
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) return false;
    throw error;
  }
}

async function createOnTheSetUpPage(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1/basicAuth`, { method: 'POST', headers, body: JSON.stringify(ADA) });
  expect(answer.status).toBe(204);
}

describe('the first account of a server', () => {
  let other: Server | undefined;
  afterEach(() => other?.close());

  it(
    'is not lost when the first start fails because the port is taken',
    async () => {
      other = createServer();
      await new Promise<void>((done) => other?.listen(0, '127.0.0.1', done));
      const { port } = other.address() as AddressInfo;
      const taken = ['server', 'standalone', '--port', String(port), '--generate-admin'];
      expect(await runCli(taken, context)).toBe(EXIT.failed);
      await whileServing(['--generate-admin'], async (url) => {
        expect(await opens(url, folder.credentials())).toBe(true);
      });
    },
    LIMIT_MS,
  );

  it(
    'is the one whose password was written, when the process died before it made the account',
    async () => {
      folder.keepCredentials(ADA);
      await whileServing([], async (url) => expect(await opens(url, ADA)).toBe(true));
      expect(folder.credentials()).toEqual(ADA);
    },
    LIMIT_MS,
  );

  it(
    'is shown and kept when it was generated',
    async () => {
      const { stdout } = await whileServing(['--generate-admin'], async (url) => {
        expect(await opens(url, folder.credentials())).toBe(true);
      });
      expect(stdout.text).toContain(`admin / ${folder.credentials()?.password}   (shown only this once)`);
      const second = await whileServing(['--generate-admin'], async () => undefined);
      expect(second.stdout.text).toContain('as admin');
      expect(second.stdout.text).not.toContain(folder.credentials()?.password);
    },
    LIMIT_MS,
  );

  it(
    'is offered in a browser only while there is none',
    async () => {
      const first = await whileServing([], createOnTheSetUpPage);
      expect(first.stdout.text).toContain('make the first account');
      const second = await whileServing(['--generate-admin'], async (url) => expect(await opens(url, ADA)).toBe(true));
      expect(second.stdout.text).not.toContain('make the first account');
      expect(folder.credentials()).toBeUndefined();
    },
    LIMIT_MS,
  );

  it(
    'stays the one that is kept when another is asked for later',
    async () => {
      await whileServing(['--auth', 'ada:Analytical-Engine-1'], async () => undefined);
      await whileServing(['--auth', 'bob:Difference-Engine-1'], async () => undefined);
      expect(folder.credentials()).toEqual(ADA);
    },
    LIMIT_MS,
  );
});

describe('a run with its own server', () => {
  it(
    'makes an account for a new folder and uses it again',
    async () => {
      expect(await runCli(['run', 'hello.yml'], context)).toBe(EXIT.ok);
      const kept = folder.credentials();
      expect(kept?.username).toBe('admin');
      expect(await runCli(['run', 'hello.yml'], again())).toBe(EXIT.ok);
      expect(folder.credentials()).toEqual(kept);
    },
    LIMIT_MS,
  );

  it(
    'says which account is needed when it was made on the set-up page',
    async () => {
      await whileServing([], createOnTheSetUpPage);
      expect(await runCli(['run', 'hello.yml'], context)).toBe(EXIT.failed);
      expect(context.stderr.text).toMatch(
        /^Error: This data folder has an account .*MILLRACE_USER and MILLRACE_PASSWORD.*\n$/,
      );
      expect(folder.credentials()).toBeUndefined();
      const known = again({ MILLRACE_USER: ADA.username, MILLRACE_PASSWORD: ADA.password });
      expect(await runCli(['run', 'hello.yml'], known)).toBe(EXIT.ok);
    },
    LIMIT_MS,
  );

  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['variables', { MILLRACE_USER: 'ada', MILLRACE_PASSWORD: 'Analytical-Engine-1' }, []],
    ['a flag', {}, ['--user', 'ada:Analytical-Engine-1']],
  ])(
    'makes the account given by %s on a new folder',
    async (_, environment, args) => {
      const own = again(environment);
      expect(await runCli(['run', 'hello.yml', ...args], own)).toBe(EXIT.ok);
      expect(folder.credentials()).toEqual(ADA);
    },
    LIMIT_MS,
  );

  it(
    'makes the account of the configuration on a new folder',
    async () => {
      const text = 'security: { super-admin: { username: ada, password: Analytical-Engine-1 } }';
      writeFileSync(join(context.workingDirectory, 'millrace.yml'), text);
      expect(await runCli(['run', 'hello.yml'], context)).toBe(EXIT.ok);
      expect(folder.credentials()).toEqual(ADA);
    },
    LIMIT_MS,
  );

  it(
    'starts one when the address that was left behind leads nowhere',
    async () => {
      folder.announce({ url: 'http://127.0.0.1:1', pid: process.ppid });
      expect(await runCli(['run', 'hello.yml'], context)).toBe(EXIT.ok);
    },
    LIMIT_MS,
  );

  it(
    'says at once what Ctrl+C does, and ends at the second one',
    async () => {
      const exits: number[] = [];
      const own: TestContext = { ...context, exitNow: (code) => void exits.push(code) };
      const code = runCli(['run', 'long.yml'], own);
      await own.stdout.has('wait');
      own.signals.emit('SIGINT');
      expect(own.stderr.text).toContain(
        'Stopping; the execution goes on at the next start of a server on this data folder; press Ctrl+C again to end now',
      );
      expect(exits).toEqual([]);
      own.signals.emit('SIGINT');
      expect(exits).toEqual([EXIT.interrupted]);
      expect(await code).toBe(EXIT.interrupted);
      expect(own.signals.eventNames()).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'leaves files that only their owner can read, also in a folder that everybody can',
    async () => {
      mkdirSync(folder.path);
      chmodSync(folder.path, 0o755);
      expect(await runCli(['run', 'hello.yml'], context)).toBe(EXIT.ok);
      expect(existsSync(join(folder.path, 'millrace.db'))).toBe(true);
      for (const name of readdirSync(folder.path)) {
        expect([name, statSync(join(folder.path, name)).mode & 0o077]).toEqual([name, 0]);
      }
    },
    LIMIT_MS,
  );
});

describe('a server behind a proxy', () => {
  it.each<[string, string, number]>([
    ['accepts its own pages by the configured address', 'https://flows.example.org', 200],
    ['refuses those of others', 'https://evil.example.org', 403],
  ])(
    '%s',
    async (_, origin, status) => {
      writeFileSync(join(context.workingDirectory, 'millrace.yml'), 'url: https://flows.example.org/millrace');
      await whileServing(['--auth', 'ada:Analytical-Engine-1'], async (url) => {
        const headers = { 'content-type': 'application/json', origin };
        const answer = await fetch(`${url}/login`, { method: 'POST', headers, body: JSON.stringify(ADA) });
        expect(answer.status).toBe(status);
      });
    },
    LIMIT_MS,
  );
});
