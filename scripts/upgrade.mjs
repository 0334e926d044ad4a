// `npm run upgrade -- [--from REF] [--seconds 50]`: a cluster of two versions, this tree's and REF's, mixed in both orders
// under load; nothing may be lost or doubled. REF is the commit before HEAD unless it is given; it is built in a temporary
// worktree of git, with the packages of this tree's node_modules. Exits with 1 when something was lost or doubled.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, ROOT } from './setup.mjs';

const USAGE = 'npm run upgrade -- [--from REF] [--seconds 50]';

function optionsOf() {
  try {
    const { values } = parseArgs({
      options: { from: { type: 'string', default: 'HEAD~1' }, seconds: { type: 'string', default: '50' } },
    });
    const seconds = Number(values.seconds);
    if (!(seconds >= 5)) fail(`--seconds must be a number from 5 on, not '${values.seconds}'`, 2);
    return { from: values.from, seconds };
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`, 2);
  }
}

function run(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) fail(`'${command}' cannot be run: ${error.message}`);
  if (status !== 0) fail(`'${[command, ...args].join(' ')}' ended with code ${status}:\n${stdout}${stderr}`);
  return stdout.trim();
}

/** Other people's packages are this tree's; Millrace's own are those of the worktree. */
function linkPackages(worktree) {
  const modules = join(ROOT, 'node_modules');
  mkdirSync(join(worktree, 'node_modules/@millrace'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name === '@millrace' || name.startsWith('.')) continue;
    symlinkSync(join(modules, name), join(worktree, 'node_modules', name));
  }
  for (const name of readdirSync(join(modules, '@millrace'))) {
    const place = relative(realpathSync(ROOT), realpathSync(join(modules, '@millrace', name)));
    // A package that came later is not there.
    if (!existsSync(join(worktree, place))) continue;
    symlinkSync(join(worktree, place), join(worktree, 'node_modules/@millrace', name));
    const own = join(ROOT, place, 'node_modules');
    if (existsSync(own)) symlinkSync(own, join(worktree, place, 'node_modules'));
  }
}

const { from, seconds } = optionsOf();
const commit = run('git', ['rev-parse', '--verify', '--quiet', `${from}^{commit}`], ROOT);
const folder = mkdtempSync(join(tmpdir(), 'millrace-upgrade-'));
const worktree = join(folder, 'older');
// Also after Ctrl+C: git would remember a worktree that is gone.
process.on('exit', () => {
  spawnSync('git', ['worktree', 'remove', '--force', worktree], { cwd: ROOT });
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

process.stdout.write(`Building ${from} (${commit.slice(0, 10)}) in ${worktree} …\n`);
run('git', ['worktree', 'add', '--detach', worktree, commit], ROOT);
linkPackages(worktree);
run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', 'apps/cli'], worktree);

process.stdout.write('Starting Kafka and the servers of both versions …\n');
const { mixVersions } = await import('../tests/dist/upgrade/main.js');
const isGood = await mixVersions({
  older: join(worktree, 'apps/cli/dist/main.js'),
  newer: join(ROOT, 'apps/cli/dist/main.js'),
  seconds,
});
process.exitCode = isGood ? 0 : 1;
