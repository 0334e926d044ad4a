import type { Command } from 'commander';
import type { ConfigurationFlags } from '../commands/configs.js';
import type { StandaloneFlags } from '../commands/server-standalone.js';
import { CLUSTER_ROLES, type ClusterRole } from '../cluster-roles.js';
import type { RoleFlags } from '../commands/server-role.js';
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
  for (const role of CLUSTER_ROLES) addRole(server, role, context, answer);
  program
    .command('configs')
    .description('print the configuration in effect; secrets are masked')
    .option('--config <file>', 'configuration file (default ./millrace.yml, if there is one)')
    .action(async (flags: ConfigurationFlags) => {
      const { printConfigs } = await import('../commands/configs.js');
      answer(printConfigs(flags, context));
    });
}

const ROLE_DESCRIPTIONS: Readonly<Record<ClusterRole, string>> = {
  executor: 'decides what happens in executions; any number share the work',
  worker: 'runs tasks; any number share the jobs of their group',
  scheduler: 'starts executions by triggers (none run yet)',
  indexer: 'keeps the index in Elasticsearch; any number share the work',
  webserver: 'API; any number behind a load balancer',
};

/** One server of a cluster, as a process of its own. */
function addRole(server: Command, role: ClusterRole, context: CommandContext, answer: Answer): void {
  const isWebserver = role === 'webserver';
  const command = server
    .command(role)
    .description(`one server of a cluster on Kafka: ${ROLE_DESCRIPTIONS[role]}`)
    .option(
      '--port <number>',
      isWebserver
        ? 'TCP port; 0 takes a free one (default 8080)'
        : 'TCP port of health and metrics; 0 takes a free one (default 8081)',
    )
    .option('--host <address>', 'address to listen on; 0.0.0.0 is every one (default 127.0.0.1)')
    .option('--data <folder>', 'folder for temporary files, and of files unless storage says otherwise')
    .option('--log-level <level>', 'trace, debug, info, warn or error (default info)')
    .option('--config <file>', 'configuration file (default ./millrace.yml, if there is one)');
  if (isWebserver) command.option('--auth <user:password>', 'the first account, created when there is none');
  if (role === 'worker') {
    command
      .option('--worker-slots <number>', 'tasks at a time (default: two per processor)')
      .option('--worker-group <key>', 'group whose jobs it takes (default: default)');
  }
  command
    .addHelpText(
      'after',
      `
Example:
  MILLRACE_QUEUE_TYPE=kafka MILLRACE_KAFKA_BROKERS=localhost:9092 millrace server ${role} --port 0

Needs queue.type 'kafka' and kafka.brokers. A first SIGTERM or Ctrl+C stops it in order; a second one exits at once.`,
    )
    .action(async (flags: RoleFlags) => {
      const { serverRole } = await import('../commands/server-role.js');
      answer(await serverRole(role, flags, context));
    });
}
