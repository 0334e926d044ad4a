#!/usr/bin/env node
import { processEnvironment, systemClock } from '@millrace/service/process';
import { runCli } from './program.js';

// `millrace … | head`: whoever reads has seen enough, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// The only main of the product, and the only place with a top-level await.
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: processEnvironment(),
  workingDirectory: process.cwd(),
  signals: process,
  clock: systemClock,
  exitNow: (code) => process.exit(code),
});
