import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, runCli } from '@millrace/cli';
import { aContext, type TestContext } from './a-context.js';

/** Against hanging only: a real server starts and stops. */
const LIMIT_MS = 60_000;

const FLOW = `id: hello
namespace: test
tasks:
  - id: say
    type: core.log.Log
    message: Hello
`;

describe('looking after an installation', () => {
  let context: TestContext;
  beforeEach(() => (context = aContext()));
  afterEach(() => context.cleanUp());

  const again = (): TestContext => ({
    ...aContext({ MILLRACE_USER: 'ada', MILLRACE_PASSWORD: 'Analytical-Engine-1' }),
    workingDirectory: context.workingDirectory,
  });
  /** Of the server; asked by address, as from another machine. */
  let url = 'http://127.0.0.1:1';
  const command = async (...args: readonly string[]) => {
    const own = again();
    const code = await runCli([...args, '--server', url], own);
    return { code, text: own.stdout.text, error: own.stderr.text };
  };
  /** Runs a server while `work` is done; answers its exit code. */
  const whileServing = async (work: () => Promise<void>): Promise<number> => {
    const own = again();
    const code = runCli(
      ['server', 'standalone', '--port', '0', '--log-level', 'error', '--auth', 'ada:Analytical-Engine-1'],
      own,
    );
    await Promise.race([own.stdout.has(/Stop +Ctrl/), code]);
    url = /http:\S+/.exec(own.stdout.text)?.[0] ?? url;
    try {
      await work();
    } catch (error) {
      own.signals.emit('SIGTERM');
      await code;
      throw error;
    }
    return code;
  };
  const statusOf = async () => JSON.parse((await command('cluster', 'status', '--output', 'json')).text);

  it(
    'tells how it does, holds its work, and drains a server',
    async () => {
      expect((await command('cluster', 'status')).code).toBe(EXIT.unreachable);
      writeFileSync(join(context.workingDirectory, 'hello.yml'), FLOW);
      const ended = await whileServing(async () => {
        const status = await command('cluster', 'status');
        expect(status).toMatchObject({
          code: EXIT.ok,
          text: expect.stringContaining('Healthy: nothing needs a person'),
        });
        expect(status.text).toMatch(/SERVER +INSTANCE.*\nexecutor .* RUNNING .*\n/);
        expect(status.text).toMatch(/executor +0 +1 +\w+: 0\n/);
        expect((await command('dead-letters', 'list')).text).toMatch(/^ID +AT +PROCESSOR/);
        expect(await command('dead-letters', 'show', '0-1')).toMatchObject({ code: EXIT.failed });
        expect(await command('dead-letters', 'replay')).toMatchObject({ code: EXIT.usage });
        expect(await command('dead-letters', 'replay', '--all')).toMatchObject({
          code: EXIT.ok,
          text: '0 replayed, 0 not\n',
        });

        expect((await command('cluster', 'maintenance', 'enter')).text).toMatch(/^In maintenance mode since .* by ada/);
        expect((await command('cluster', 'status')).text).toMatch(/Maintenance mode since .*, by ada/);
        const run = runCli(['run', 'hello.yml', '--server', url], again());
        expect((await command('cluster', 'maintenance', 'exit')).text).toMatch(/^Not in maintenance mode/);
        expect(await run).toBe(EXIT.ok);

        expect(await command('cluster', 'drain', 'nobody')).toMatchObject({
          code: EXIT.failed,
          error: expect.stringMatching(/no server 'nobody'. Alive are: executor \w+/),
        });
        const { members } = await statusOf();
        const worker = members.find(({ role }: { readonly role: string }) => role === 'worker');
        const drained = await command('cluster', 'drain', worker.instance);
        expect(drained).toMatchObject({ code: EXIT.ok });
        expect(drained.text).toMatch(/ is TERMINATED_GRACEFULLY\n| stops, and the server that was asked with it/);
      });
      expect(ended).toBe(EXIT.ok);
    },
    LIMIT_MS,
  );
});
