// What `npm start` and `npm run cluster` do with the examples: save all of them, run one, show it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

export const CLI = join(ROOT, 'apps/cli/dist/main.js');
const EXAMPLES = join(ROOT, 'examples');

export const readExamples = () => JSON.parse(readFileSync(join(EXAMPLES, 'examples.json'), 'utf8'));

/** Runs a command of the CLI with its output shown; answers its exit code. */
function cli(args, stdout = 'inherit') {
  return new Promise((done) => {
    const child = spawn(process.execPath, [CLI, ...args], { cwd: ROOT, stdio: ['ignore', stdout, 'inherit'] });
    child.once('exit', (code) => done(code ?? 1));
  });
}

/** Saves every example; says what is missing for those that this machine cannot run. `server`: words that name it. */
export async function loadExamples(examples, server) {
  const files = examples.map(({ flow }) => join(EXAMPLES, flow));
  const code = await cli(['flow', 'update', ...files, ...server], 'ignore');
  if (code !== 0) return false;
  process.stdout.write(`Loaded the examples ${examples.map(({ id }) => id).join(', ')}.\n`);
  for (const { id, requires } of examples) {
    const missing = requires.filter((program) => spawnSync(program, ['--version']).error !== undefined);
    if (missing.length > 0)
      process.stdout.write(`'${id}' cannot run here: ${missing.join(' and ')} is not installed.\n`);
  }
  return true;
}

/** Runs an example, shows it live, and prints the report that it leaves; answers the exit code. */
export async function runExample({ flow, inputs, files, report }, server) {
  const output = mkdtempSync(join(tmpdir(), 'millrace-example-'));
  try {
    const given = [
      ...Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]),
      ...Object.entries(files).flatMap(([name, path]) => ['--file', `${name}=${join(EXAMPLES, path)}`]),
    ];
    process.stdout.write(`\n$ millrace run examples/${flow}\n\n`);
    const code = await cli(['run', join(EXAMPLES, flow), ...given, '--output', output, ...server]);
    const path = report && join(output, report);
    if (path && existsSync(path)) process.stdout.write(`\n${readFileSync(path, 'utf8')}`);
    return code;
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}
