import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSupervised, startSupervised } from '../src/servers/supervised-process.js';
import { isRunning, killedAfterItsFirstLine, untilGone } from './processes.js';

const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script];
const never = new AbortController().signal;

describe('a supervised process', () => {
  it('tells its lines and its exit code', async () => {
    const lines: string[] = [];
    const { ended } = await startSupervised(shell('echo one; echo two >&2; exit 3'), tmpdir(), (line) =>
      lines.push(line),
    );
    expect(await ended).toBe(3);
    expect(lines.sort()).toEqual(['one', 'two']);
  });

  it('ends by a signal, also when it stands still', async () => {
    const { pid, ended, signal } = await startSupervised(['sleep', '60'], tmpdir(), () => undefined);
    signal('SIGSTOP');
    expect(isRunning(pid)).toBe(true);
    signal('SIGKILL');
    expect(await ended).toBe(137);
    expect(isRunning(pid)).toBe(false);
    // Its number may be another's by now.
    expect(() => signal('SIGKILL')).not.toThrow();
  });

  it('leaves nothing behind that it has started', async () => {
    const children: number[] = [];
    const { ended } = await startSupervised(shell('sleep 60 & echo $!'), tmpdir(), (line) =>
      children.push(Number(line)),
    );
    await ended;
    expect(children).toHaveLength(1);
    await untilGone(...children);
  });

  it('ends with its parent, even by kill -9 and when it stands still', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'supervised-'));
    const program = `
      import { startSupervised } from './servers/supervised-process.js';
      const { pid, signal } = await startSupervised(['sleep', '60'], '.', () => undefined);
      signal('SIGSTOP');
      console.log(pid);
    `;
    const pid = Number(await killedAfterItsFirstLine(folder, program));
    expect(pid).toBeGreaterThan(1);
    await untilGone(pid);
    rmSync(folder, { recursive: true, force: true });
  });

  it('fails with what it said last', async () => {
    const failing = runSupervised('The cake could not be baked', shell('echo no flour; exit 1'), tmpdir(), never);
    await expect(failing).rejects.toThrow(
      "The cake could not be baked: '/bin/sh' ended with code 1. Its last lines:\nno flour",
    );
  });

  it('says when there is no such program', async () => {
    const failing = runSupervised('The cake could not be baked', ['no-such-oven'], tmpdir(), never);
    await expect(failing).rejects.toThrow(/'no-such-oven' ended with code 127\. Its last lines:\n.*not found/);
  });

  it('is ended when it takes too long', async () => {
    const failing = runSupervised('The cake could not be baked', ['sleep', '60'], tmpdir(), AbortSignal.timeout(50));
    await expect(failing).rejects.toThrow("'sleep' took too long and was ended. It wrote nothing.");
  });
});
