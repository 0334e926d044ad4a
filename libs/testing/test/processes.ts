import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { transformFileSync } from '@swc/core';

const SOURCES = resolve(__dirname, '../src/servers');

/** Whether a process runs; one that has ended and that nobody has asked for its exit code does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // No such file where the system is not Linux, or where it has ended just now.
    return process.platform !== 'linux';
  }
}

/** Resolves when none of them runs; the test's own limit ends the wait. */
export async function untilGone(...pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await pause(20);
}

/**
 * Runs a program that imports the servers' sources, until it has written a line, and kills it with `kill -9`.
 * @param program an ES module that imports from './servers/…'
 * @returns the line
 */
export async function killedAfterItsFirstLine(folder: string, program: string): Promise<string> {
  mkdirSync(join(folder, 'servers'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of readdirSync(SOURCES)) {
    const { code } = transformFileSync(join(SOURCES, name), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    writeFileSync(join(folder, 'servers', name.replace(/ts$/, 'js')), code);
  }
  writeFileSync(join(folder, 'program.js'), program);
  const child = spawn(process.execPath, [join(folder, 'program.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  child.kill('SIGKILL');
  await ended;
  return text.trim();
}
