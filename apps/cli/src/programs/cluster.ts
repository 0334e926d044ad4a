import { Option, type Command } from 'commander';
import type { DrainFlags, StatusFlags } from '../commands/cluster.js';
import type { ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';
import { withServerOptions } from './server-options.js';

/** `cluster status|drain|maintenance`. */
export function addClusterCommands(program: Command, context: CommandContext, answer: Answer): void {
  const cluster = program.command('cluster').description('the servers of the installation: status, drain, maintenance');
  withServerOptions(cluster.command('status'))
    .description('servers, partitions, lag, jobs, index, dead letters; exit code 1 when something needs a person')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action(async (flags: StatusFlags) => {
      const { clusterStatus } = await import('../commands/cluster.js');
      answer(await clusterStatus(flags, context));
    });
  withServerOptions(cluster.command('drain').argument('<instance>', "as 'cluster status' shows it"))
    .description('have a server finish its work and stop, as a first SIGTERM would')
    .option('--no-wait', 'do not wait until it is gone')
    .addHelpText(
      'after',
      `
It takes no new work, runs what it has to the end within its server.termination-grace-period, gives back the rest at once, and
exits with code 0. Of 'server standalone' the whole process stops.`,
    )
    .action(async (instance: string, flags: DrainFlags) => {
      const { drainServer } = await import('../commands/cluster.js');
      answer(await drainServer(instance, flags, context));
    });
  const maintenance = cluster.command('maintenance').description('begin no executions and no tasks for a while');
  for (const [name, what] of [
    ['enter', 'new executions stay CREATED, workers finish what they run'],
    ['exit', 'what waited begins'],
  ] as const) {
    withServerOptions(maintenance.command(name))
      .description(what)
      .action(async (flags: ServerChoice) => {
        const { changeMaintenance } = await import('../commands/cluster.js');
        answer(await changeMaintenance(name, flags, context));
      });
  }
}
