// `npm start`: builds when needed, starts a standalone server, loads the examples, runs the first one and shows it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CLI, loadExamples, readExamples, runExample } from './examples.mjs';
import { ROOT, buildWhenNeeded, checkNodeVersion, fail, installWhenNeeded } from './setup.mjs';

/** How long a server may take until it listens. */
const START_TIMEOUT_MS = 60_000;

const HELP = `npm start -- [options]

  --port <number>         TCP port (default 8080); 0 takes a free one
  --data <folder>         data folder (default ./.millrace)
  --auth <user:password>  the first account; default: admin with a generated password, shown once
  --exit                  stop after the first example, with its exit code
`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        auth: { type: 'string' },
        exit: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`, 2);
  }
}

/** Starts the server and answers its process and address when it listens. */
async function startServer({ port, data, auth }, dataFolder) {
  const args = [CLI, 'server', 'standalone', '--data', dataFolder, ...(auth ? ['--auth', auth] : ['--generate-admin'])];
  if (port !== undefined) args.push('--port', port);
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', (code, signal) => done({ code: code ?? 1, signal })));
  const listening = waitUntilListening(child, dataFolder);
  const first = await Promise.race([listening, ended]);
  // The server has said why, in a sentence.
  if ('code' in first) process.exit(first.code);
  return { child, ended, url: first.url };
}

async function waitUntilListening(child, dataFolder) {
  const file = join(dataFolder, 'server.json');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const address = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    if (address?.pid === child.pid) return address;
    await delay(25);
  }
  child.kill('SIGKILL');
  return fail(`The server did not start within ${START_TIMEOUT_MS / 1000} s`);
}

checkNodeVersion();
const options = readOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
installWhenNeeded();
buildWhenNeeded();

const dataFolder = resolve(options.data ?? join(ROOT, '.millrace'));
const { child, ended, url } = await startServer(options, dataFolder);
// The server gets the terminal's Ctrl+C itself; this process waits for its end and passes on what it is sent alone.
let isStopping = false;
process.on('SIGINT', () => (isStopping = true));
process.on('SIGTERM', () => {
  isStopping = true;
  child.kill('SIGTERM');
});

const server = ['--server', url, '--data', dataFolder];
const examples = readExamples();
const isLoaded = await loadExamples(examples, server);
const runCode = isLoaded && !isStopping ? await runExample(examples[0], server) : 1;

if (options.exit) {
  child.kill('SIGTERM');
  await ended;
  process.exit(runCode);
}
if (!isStopping) {
  process.stdout.write(`
Open ${url} and look at this execution, or run another example:

  node apps/cli/dist/main.js run examples/core-only/flow.yml --data ${dataFolder}

The server runs until Ctrl+C.
`);
}
const { code } = await ended;
process.exit(code);
