import * as processors from '@millrace/executor';
import { runSimulation } from '@millrace/testing';

it('one', async () => {
  const from = Number(process.env['FROM'] ?? 1), n = Number(process.env['N'] ?? 1);
  let failures = 0;
  const start = process.cpuUsage();
  for (let seed = from; seed < from + n; seed++) {
    const report = await runSimulation({ seed, processors, verbose: n === 1, ...(process.env['BROKEN'] ? {broken: process.env['BROKEN'] as 'no-claim-token'} : {}) });
    if (n === 1) require('fs').writeFileSync('/tmp/trace.txt', report.trace.join('\n'));
    if (n === 1 || report.violations.length > 0) { failures++; process.stdout.write(JSON.stringify({ ...report, trace: [] }) + '\n'); }
  }
  const { user, system } = process.cpuUsage(start);
  process.stdout.write(`${failures} failures, cpu ${(user + system) / 1000} ms\n`);
}, 600_000);
