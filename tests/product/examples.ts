import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** An example as `examples.json` describes it. */
export interface Example {
  readonly id: string;
  readonly flow: string;
  readonly files: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, string>>;
  /** Interpreters that it needs besides Node. */
  readonly requires: readonly string[];
  readonly expectedState: string;
  readonly report?: string;
}

/** A command that has ended. */
export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** On a person's machine an example whose interpreter is missing is left out, and it is said; in CI all must run. */
export function canRun({ id, requires }: Example): boolean {
  const missing = requires.filter((program) => spawnSync(program, ['--version']).status !== 0);
  if (missing.length === 0 || process.env['CI'] !== undefined) return true;
  process.stderr.write(`Left out: the example '${id}' needs ${missing.join(', ')}\n`);
  return false;
}

/** Runs the built command line. */
export async function millrace(...words: readonly string[]): Promise<Finished> {
  const child = spawn(process.execPath, [resolve('apps/cli/dist/main.js'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

export const readExamples = async (): Promise<readonly Example[]> =>
  JSON.parse(await readFile('examples/examples.json', 'utf8')) as readonly Example[];

/** The words of `millrace run` for an example, on the server of a data folder. */
export function runWords({ flow, files, inputs }: Example, data: string): readonly string[] {
  const options = [
    ...Object.entries(files).flatMap(([name, path]) => ['--file', `${name}=${join('examples', path)}`]),
    ...Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]),
  ];
  return ['run', join('examples', flow), '--data', data, ...options];
}
