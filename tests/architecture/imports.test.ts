import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './sources.js';

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** The rules of .dependency-cruiser.cjs, as `npm run imports` checks them. */
async function violations(): Promise<readonly string[]> {
  const depcruise = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [
    depcruise,
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'json',
    'libs',
    'plugins',
    'apps',
    'tests',
  ];
  const options = { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 };
  // It exits with the number of violations; the report is on stdout all the same.
  const stdout = await promisify(execFile)(process.execPath, args, options).then(
    (result) => result.stdout,
    (error: { readonly stdout: string }) => error.stdout,
  );
  const report = JSON.parse(stdout) as {
    readonly summary: { readonly violations: readonly Violation[]; readonly totalCruised: number };
  };
  if (report.summary.totalCruised < 100) throw new Error(`Only ${report.summary.totalCruised} modules were read`);
  return report.summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`);
}

describe('imports', () => {
  it('point one way, and stay where they belong', async () => {
    expect(await violations()).toEqual([]);
  }, 120_000);
});
