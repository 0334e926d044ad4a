import type { Command } from 'commander';
import type { ConfigurationFlags } from '../commands/configs.js';
import type { StandaloneFlags } from '../commands/server-standalone.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';

/** `server standalone` and `configs`. Each command's code is loaded when it runs, so that `--help` is quick. */
export function addServerCommands(program: Command, context: CommandContext, answer: Answer): void {
  const server = program.command('server').description('start a server');
  server
    .command('standalone')
    .description('executor, worker and webserver in one process, on an embedded database')
    .option('--port <number>', 'TCP port; 0 takes a free one (default 8080)')
    .option('--host <address>', 'address to listen on; 0.0.0.0 is every one (default 127.0.0.1)')
    .option('--data <folder>', 'folder of database, files and account (default ./.millrace)')
    .option('--auth <user:password>', 'the first account, created when there is none')
    .option('--generate-admin', 'create the account admin when there is none, and show its password once')
    .option('--worker-slots <number>', 'tasks at a time (default: two per processor)')
    .option('--log-level <level>', 'trace, debug, info, warn or error (default info)')
    .option('--config <file>', 'configuration file (default ./millrace.yml, if there is one)')
    .addHelpText(
      'after',
      `
Examples:
  millrace server standalone --generate-admin
  millrace server standalone --port 0 --data /var/lib/millrace --auth ada:a-long-passphrase

Each option is also a key of millrace.yml and a variable: server.port, MILLRACE_SERVER_PORT. See 'millrace configs'.
A first SIGTERM or Ctrl+C lets running tasks end (server.termination-grace-period); a second one exits at once.`,
    )
    .action(async (flags: StandaloneFlags) => {
      const { serverStandalone } = await import('../commands/server-standalone.js');
      answer(await serverStandalone(flags, context));
    });
  program
    .command('configs')
    .description('print the configuration in effect; secrets are masked')
    .option('--config <file>', 'configuration file (default ./millrace.yml, if there is one)')
    .action(async (flags: ConfigurationFlags) => {
      const { printConfigs } = await import('../commands/configs.js');
      answer(printConfigs(flags, context));
    });
}
