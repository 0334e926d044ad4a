import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, runCli } from '@millrace/cli';
import { openDataFolder } from '../src/data-folder.js';
import { aContext, type TestContext } from './a-context.js';

const FLOW = `id: hello
namespace: test
tasks:
  - id: say
    type: core.log.Log
    message: Hello
`;

describe('the command line', () => {
  let context: TestContext;
  beforeEach(() => (context = aContext()));
  afterEach(() => context.cleanUp());
  const write = (name: string, text: string): void => writeFileSync(join(context.workingDirectory, name), text);

  it.each<[string, string[], number]>([
    ['help', ['--help'], EXIT.ok],
    ['the version', ['--version'], EXIT.ok],
    ['no command', [], EXIT.usage],
    ['an unknown command', ['frobnicate'], EXIT.usage],
    ['an unknown option', ['run', '--frobnicate'], EXIT.usage],
    ['a missing argument', ['run'], EXIT.usage],
    ['an input without a name', ['run', 'x.yml', '--input', 'oops'], EXIT.usage],
    ['an input file that is not there', ['run', 'x.yml', '--file', 'a=absent'], EXIT.usage],
    ['a flow that is not there', ['run', 'absent.yml'], EXIT.usage],
    ['a size that is none', ['flow', 'list', '--size', 'many'], EXIT.usage],
    ['a size that is more than a page holds', ['executions', 'list', '--size', '5000'], EXIT.usage],
    ['an address that is none', ['flow', 'list', '--server', 'localhost'], EXIT.usage],
    ['no server', ['executions', 'list'], EXIT.unreachable],
    ['a server that does not answer', ['executions', 'list', '--server', 'http://127.0.0.1:1'], EXIT.unreachable],
    ['half of the credentials', ['executions', 'list', '--server', 'http://127.0.0.1:1', '--user', 'ada'], EXIT.usage],
    ['a data folder that cannot be made', ['server', 'standalone', '--data', '/proc/millrace'], EXIT.failed],
    ['a wrong port', ['server', 'standalone', '--port', 'many'], EXIT.usage],
  ])('answers %s with the right exit code', async (_, args, code) => {
    expect(await runCli(args, context)).toBe(code);
    expect(context.stderr.text).not.toMatch(/\n\s+at /);
  });

  it('says in a sentence that an input file is not there', async () => {
    await runCli(['run', 'x.yml', '--file', 'a=/nope'], context);
    expect(context.stderr.text).toBe("Error: Cannot read the file '/nope': there is no such file\n");
  });

  it('says in a sentence that a data folder cannot be made', async () => {
    await runCli(['server', 'standalone', '--data', '/proc/millrace'], context);
    expect(context.stderr.text).toMatch(/^Error: Cannot make the data folder '\/proc\/millrace': .*\n$/);
  });

  it('says in a sentence how much a list may hold', async () => {
    await runCli(['executions', 'list', '--size', '5000'], context);
    expect(context.stderr.text).toContain('it must be a whole number from 1 to 1000');
  });

  it('has the version of its package', async () => {
    await runCli(['--version'], context);
    const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
    expect(context.stdout.text).toBe(`${version}\n`);
  });

  it('shows the stack of an error only when asked', async () => {
    await runCli(['--verbose', 'executions', 'list'], context);
    expect(context.stderr.text).toMatch(/\n\s+at /);
  });

  it.each(['run', 'validate', 'server standalone'])('explains `%s` with examples', async (command) => {
    await runCli([...command.split(' '), '--help'], context);
    expect(context.stdout.text).toContain('Examples:');
  });

  describe('validate', () => {
    it('accepts a valid flow', async () => {
      write('hello.yml', FLOW);
      expect(await runCli(['validate', 'hello.yml'], context)).toBe(EXIT.ok);
      expect(context.stdout.text).toBe('valid    hello.yml\n');
    });

    it('says file, line, column and shows the source of a fault', async () => {
      write('hello.yml', FLOW.replace('message', 'mesage'));
      expect(await runCli(['flow', 'validate', 'hello.yml'], context)).toBe(EXIT.usage);
      expect(context.stderr.text).toMatch(/^hello\.yml:6:5: /);
      expect(context.stderr.text).toContain('\n      mesage: Hello\n');
    });

    it('checks every flow of a folder', async () => {
      mkdirSync(join(context.workingDirectory, 'flows/below'), { recursive: true });
      write('flows/a.yml', FLOW);
      write('flows/below/b.yaml', 'id: b');
      write('flows/data.json', '{}');
      expect(await runCli(['validate', 'flows'], context)).toBe(EXIT.usage);
      expect(context.stdout.text).toBe('valid    flows/a.yml\ninvalid  flows/below/b.yaml\n1 valid, 1 invalid\n');
    });

    it.each(['--input', '--file'])('refuses a value that the flow does not declare: %s', async (flag) => {
      write('hello.yml', `inputs: [{ id: names, type: STRING }]\n${FLOW}`);
      const server = ['--server', 'http://127.0.0.1:1'];
      expect(await runCli(['run', 'hello.yml', flag, 'nmaes=hello.yml', ...server], context)).toBe(EXIT.usage);
      expect(context.stderr.text).toContain("The flow has no input 'nmaes': did you mean 'names'?");
      expect(await runCli(['run', 'hello.yml', flag, 'other=hello.yml', ...server], context)).toBe(EXIT.usage);
      expect(context.stderr.text).toContain("The flow has no input 'other'; it has 'names'");
    });

    it('runs no invalid flow', async () => {
      write('hello.yml', 'id: hello');
      expect(await runCli(['run', 'hello.yml', '--server', 'http://127.0.0.1:1'], context)).toBe(EXIT.usage);
    });
  });

  it('prints the configuration in effect, with secrets masked', async () => {
    write('millrace.yml', 'server: { port: 99, basic-auth: { username: ada, password: do-not-show } }');
    expect(await runCli(['configs'], context)).toBe(EXIT.ok);
    expect(context.stdout.text).toContain('port: 99');
    expect(context.stdout.text).not.toContain('do-not-show');
  });

  it('says where the configuration is wrong', async () => {
    write('millrace.yml', 'server:\n  prot: 99');
    expect(await runCli(['configs'], context)).toBe(EXIT.usage);
    expect(context.stderr.text).toContain("millrace.yml:2:3: 'server.prot' is not a configuration key");
  });

  it('never repeats a password that it was given', async () => {
    await runCli(['flow', 'list', '--server', 'http://127.0.0.1:1', '--user', ':swordfish'], context);
    expect(context.stderr.text).not.toContain('swordfish');
  });
});

describe('the data folder', () => {
  let context: TestContext;
  beforeEach(() => (context = aContext()));
  afterEach(() => context.cleanUp());

  it('tells of the server that runs on it', () => {
    const folder = openDataFolder(context.workingDirectory);
    folder.announce({ url: 'http://localhost:1', pid: process.ppid });
    expect(folder.runningServer()).toEqual({ url: 'http://localhost:1', pid: process.ppid });
  });

  it('forgets a server that has died', () => {
    const folder = openDataFolder(context.workingDirectory);
    folder.announce({ url: 'http://localhost:1', pid: 2 ** 22 + 1 });
    expect(folder.runningServer()).toBeUndefined();
    expect(existsSync(join(context.workingDirectory, 'server.json'))).toBe(false);
  });

  it('forgets a server whose process id this process has got', () => {
    const folder = openDataFolder(context.workingDirectory);
    folder.announce({ url: 'http://localhost:1', pid: process.pid });
    expect(folder.runningServer()).toBeUndefined();
  });

  it('is left alone by a server that does not own the announcement', () => {
    const folder = openDataFolder(context.workingDirectory);
    folder.announce({ url: 'http://localhost:1', pid: process.ppid });
    folder.withdraw(process.pid);
    expect(folder.runningServer()).toBeDefined();
    folder.withdraw(process.ppid);
    expect(folder.runningServer()).toBeUndefined();
  });

  it('keeps credentials for its owner only', () => {
    const folder = openDataFolder(context.workingDirectory);
    folder.keepCredentials({ username: 'ada', password: 'secret' });
    const file = join(context.workingDirectory, 'credentials.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ username: 'ada', password: 'secret' });
    expect(folder.credentials()).toEqual({ username: 'ada', password: 'secret' });
  });

  it('says which file is damaged', () => {
    writeFileSync(join(context.workingDirectory, 'server.json'), '{');
    expect(() => openDataFolder(context.workingDirectory).runningServer()).toThrow(
      /server\.json' is damaged: remove it/,
    );
  });
});
