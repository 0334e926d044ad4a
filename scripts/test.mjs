// `npm test`: every check and every test; its last line is `N passed, N failed` (`, N skipped`). `.ci/run` is this.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, checkNodeVersion, installWhenNeeded } from './setup.mjs';

const bin = (name) => join(ROOT, 'node_modules', name);

/** Checks that have no test runner: each counts as one test. */
const CHECKS = [
  { name: 'types', args: [bin('typescript/bin/tsc'), '-b'] },
  { name: 'types of tests', args: [bin('typescript/bin/tsc'), '-p', 'tsconfig.tests.json'] },
  {
    name: 'lint',
    args: [bin('eslint/bin/eslint.js'), '--cache', '--cache-location', 'node_modules/.cache/eslint/', '.'],
  },
  { name: 'format', args: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
];

/** In this order: the quick ones first. The import rules are a test of `unit` (tests/architecture). */
const PROJECTS = ['unit', 'contract', 'system', 'cluster'];
/** Real processes and servers share the machine's two processors; a cluster has them for itself. */
const WORKERS = { cluster: 1 };
const WORKERS_OTHERWISE = 2;

function node(args) {
  const started = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  return { isGood: status === 0, seconds: Number(process.hrtime.bigint() - started) / 1e9 };
}

const heading = (text) => process.stdout.write(`\n── ${text} ${'─'.repeat(Math.max(3, 90 - text.length))}\n`);

function runCheck({ name, args }) {
  heading(name);
  const { isGood, seconds } = node(args);
  process.stdout.write(`${isGood ? 'passed' : 'FAILED'}: ${name} (${seconds.toFixed(1)} s)\n`);
  return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0 };
}

/** Runs one Jest project. A suite that cannot even start counts as one failed test, and so does a run without a result. */
function runProject(project, jestArguments) {
  heading(`${project} tests`);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const outputFile = join(folder, 'results.json');
  try {
    // Only a selection of tests may leave a project without any.
    const selection = jestArguments.length > 0 ? ['--passWithNoTests'] : [];
    const reporting = [
      '--json',
      `--outputFile=${outputFile}`,
      `--maxWorkers=${WORKERS[project] ?? WORKERS_OTHERWISE}`,
      ...selection,
    ];
    const { isGood } = node([bin('jest/bin/jest.js'), ...jestArguments, '--selectProjects', project, ...reporting]);
    const results = readResults(outputFile);
    if (!results) return { passed: 0, failed: 1, skipped: 0 };
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const counted = { passed: results.numPassedTests, failed, skipped: results.numPendingTests + results.numTodoTests };
    // For example an unhandled rejection after the last test: a failure that no test shows.
    return isGood || failed > 0 ? counted : { ...counted, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResults(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    process.stderr.write(`Jest left no result: ${error.message}\n`);
    return undefined;
  }
}

checkNodeVersion();
installWhenNeeded();

const jestArguments = process.argv.slice(2);
const counts = [...CHECKS.map(runCheck), ...PROJECTS.map((project) => runProject(project, jestArguments))];
const sum = (name) => counts.reduce((total, count) => total + count[name], 0);
const skipped = sum('skipped');
const failed = sum('failed');
process.stdout.write(`\n${sum('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed === 0 ? 0 : 1;
