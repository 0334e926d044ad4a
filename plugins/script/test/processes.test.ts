import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '../src/supervised-process.js';
import { failure, gone, run, TestContext } from './support.js';

const environment = { PATH: process.env['PATH'] ?? '' };
const workingDirectory = mkdtempSync(join(tmpdir(), 'millrace-process-'));

/** Starts a shell command and answers the process and the numbers of its first line of output. */
async function start(script: string, { signal = new AbortController().signal, killGraceMs = 5_000 } = {}) {
  const started = await startProcess({
    command: ['/bin/sh', '-c', script],
    workingDirectory,
    environment,
    signal,
    killGraceMs,
  });
  started.exitCode.catch(() => undefined);
  const line = await new Promise<string>((resolve) => started.stdout.once('data', (chunk) => resolve(String(chunk))));
  started.stdout.resume();
  return { ...started, pids: line.trim().split(' ').map(Number) };
}

const forEver = 'sleep 1000';

describe('The processes of a script', () => {
  it('end when the attempt is stopped, with their children', async () => {
    const controller = new AbortController();
    const { exitCode, pids } = await start(`${forEver} & sh -c '${forEver}' & echo $$ $!; wait`, {
      signal: controller.signal,
    });
    controller.abort(new Error('stopped'));
    await expect(exitCode).rejects.toThrow('stopped');
    await gone(pids);
  });

  it('end by SIGKILL when they ignore SIGTERM', async () => {
    const controller = new AbortController();
    const { exitCode, pids } = await start(
      `trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & echo $$ $!; while :; do sleep 0.05; done`,
      {
        signal: controller.signal,
        killGraceMs: 50,
      },
    );
    controller.abort(new Error('stopped'));
    await expect(exitCode).rejects.toThrow('stopped');
    await gone(pids);
  });

  it('may clean up after SIGTERM', async () => {
    const controller = new AbortController();
    const marker = join(workingDirectory, 'cleaned');
    const { exitCode } = await start(`trap 'touch ${marker}; exit 0' TERM; echo $$; while :; do sleep 0.02; done`, {
      signal: controller.signal,
    });
    controller.abort(new Error('stopped'));
    await expect(exitCode).rejects.toThrow('stopped');
    expect(existsSync(marker)).toBe(true);
  });

  it('leave nothing behind in the background when the script has ended', async () => {
    const { exitCode, pids } = await start(`(${forEver} & echo $!) ; exit 3`);
    expect(await exitCode).toBe(3);
    await gone(pids);
  });

  it('do not start when the attempt was stopped before', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const command = ['/bin/sh', '-c', forEver];
    await expect(startProcess({ command, workingDirectory, environment, signal })).rejects.toThrow('stopped');
  });

  it('see neither the pipe of the supervisor nor a child that is not theirs', async () => {
    const { exitCode, pids } = await start('ls /proc/$$/fd > open; echo $(cat open); wait');
    expect(await exitCode).toBe(0);
    expect(pids.filter((descriptor) => descriptor < 10)).toEqual([0, 1, 2]);
  });
});

describe('A flood of output', () => {
  it('waits in the process as long as the log takes no more', async () => {
    const context = new TestContext();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    context.ready = () => gate;
    const marker = join(context.directory, 'written');
    const ended = run(context, {
      type: 'scripts.shell.Commands',
      commands: ['yes 0123456789 | head -n 400000', `touch ${marker}`],
    });
    await context.line((message) => message === '0123456789');
    // 4.4 MB do not fit into pipes and buffers: the script cannot have come to its second command.
    expect(existsSync(marker)).toBe(false);
    expect(context.lines.length).toBeLessThan(20_000);
    open();
    expect((await ended).outputs).toMatchObject({ stdOutLineCount: 400_000 });
    expect(existsSync(marker)).toBe(true);
  });

  it('in one endless line is cut', async () => {
    const context = new TestContext();
    const { outputs } = await run(context, {
      type: 'scripts.shell.Commands',
      commands: ['head -c 3000000 /dev/zero | tr "\\0" x', 'echo', 'echo end'],
    });
    const [line, end] = context.messages('INFO');
    expect(line).toBe(`${'x'.repeat(16 * 1024)}… [cut: ${3_000_000 - 16 * 1024} more characters]`);
    expect(end).toBe('end');
    expect(outputs).toMatchObject({ stdOutLineCount: 2 });
  });

  it('of outputs fails the script', async () => {
    const error = await failure(new TestContext(), {
      type: 'scripts.node.Script',
      script: `for (let i = 0; i < 6; i++) console.log('::' + JSON.stringify({ outputs: { ['k' + i]: 'x'.repeat(100_000) } }) + '::'); setInterval(() => {}, 1000)`,
    });
    expect(error.message).toBe(
      'The outputs of the script are larger than 524288 bytes: write large data to a file and name it in outputFiles',
    );
  });

  it('of outputs in one line fails the script', async () => {
    const error = await failure(new TestContext(), {
      type: 'scripts.node.Script',
      script: `console.log('::' + JSON.stringify({ outputs: { long: 'x'.repeat(2_000_000) } }) + '::'); setInterval(() => {}, 1000)`,
    });
    expect(error.message).toMatch(/^The outputs of the script are larger than 524288 bytes/);
  });

  it('keeps a line of outputs that is longer than a line of the log', async () => {
    const { outputs } = await run(new TestContext(), {
      type: 'scripts.node.Script',
      script: `console.log('::' + JSON.stringify({ outputs: { long: 'x'.repeat(400_000) } }) + '::')`,
    });
    expect(outputs).toMatchObject({ vars: { long: 'x'.repeat(400_000) } });
  });
});
