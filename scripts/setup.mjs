// What `npm start` and `npm test` do first: check Node, install, build. Plain Node, for nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const NODE_VERSION_MIN = [20, 19];
const INSTALLED_STAMP = join(ROOT, 'node_modules/.package-lock.json');
const BUILT_STAMP = join(ROOT, 'node_modules/.cache/millrace-built');
const SOURCE_FOLDERS = ['libs', 'plugins', 'apps'];

/** Ends the process with a sentence. */
export function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

export function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [majorMin, minorMin] = NODE_VERSION_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  fail(
    `Millrace needs Node ${NODE_VERSION_MIN.join('.')} or newer, and this is ${process.versions.node}: see https://nodejs.org`,
    2,
  );
}

/** Runs a command of the repository with its output shown; ends the process when it fails. */
function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const isWindows = process.platform === 'win32';
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: isWindows });
  if (error) fail(`${what}: cannot run '${command}': ${error.message}`);
  if (status !== 0) fail(`${what} failed: '${[command, ...args].join(' ')}' ended with code ${status}`);
}

const changedAt = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

/**
 * Installs what the lock file says when nothing is installed, or it says something newer. Not `npm ci`: that refuses the
 * lock file where a registry does not carry the optional packages of every other platform.
 */
export function installWhenNeeded() {
  if (existsSync(INSTALLED_STAMP) && changedAt(INSTALLED_STAMP) >= changedAt(join(ROOT, 'package-lock.json'))) return;
  if (existsSync(INSTALLED_STAMP) && sameLock()) return;
  run('Installing the dependencies (once)', 'npm', ['install', '--no-save', '--no-audit', '--no-fund']);
}

/** A checkout touches the lock file without changing it: then what is installed is compared, not the times. */
function sameLock() {
  const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  const installed = packages(INSTALLED_STAMP);
  const wanted = Object.entries(packages(join(ROOT, 'package-lock.json'))).filter(([name]) => name !== '');
  return wanted.every(([name, { version, optional, link }]) => {
    const there = installed[name];
    return there ? link === true || there.version === version : optional === true || link === true;
  });
}

/** `tsc -b` when a source is newer than the last build that went well. */
export function buildWhenNeeded() {
  const sources = newestSource();
  const built = existsSync(BUILT_STAMP) ? Number(readFileSync(BUILT_STAMP, 'utf8')) : 0;
  const isThere = existsSync(join(ROOT, 'apps/cli/dist/main.js'));
  if (isThere && built >= sources) return;
  run('Building', process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b']);
  mkdirSync(dirname(BUILT_STAMP), { recursive: true });
  writeFileSync(BUILT_STAMP, String(sources));
}

/** The newest change of anything that the build reads, in milliseconds since the epoch. */
function newestSource() {
  let newest = changedAt(join(ROOT, 'tsconfig.base.json'));
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else newest = Math.max(newest, statSync(path).mtimeMs);
    }
  };
  for (const group of SOURCE_FOLDERS) {
    for (const name of readdirSync(join(ROOT, group))) {
      const folder = join(ROOT, group, name);
      newest = Math.max(newest, changedAt(join(folder, 'package.json')), changedAt(join(folder, 'tsconfig.json')));
      if (existsSync(join(folder, 'src'))) visit(join(folder, 'src'));
    }
  }
  // Scripts use what the tests start clusters with; it is built with the rest.
  if (existsSync(join(ROOT, 'tests'))) visitTests(visit);
  return newest;
}

function visitTests(visit) {
  for (const name of ['product', 'cluster', 'benchmark']) visit(join(ROOT, 'tests', name));
}
