// The product's command line with a rule of the protocols left out, named by BROKEN_RULE: what the cluster tests start to
// show that their checker would notice.
import { runCli } from '../../apps/cli/dist/index.js';
import { systemClock } from '../../libs/service/dist/process.js';

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
  signals: process,
  clock: systemClock,
  exitNow: (code) => process.exit(code),
  broken: process.env.BROKEN_RULE,
});
