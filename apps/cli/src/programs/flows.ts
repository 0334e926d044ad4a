import type { Command } from 'commander';
import type { FlowListFlags } from '../commands/flows.js';
import type { ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';
import { pageSize, withServerOptions } from './server-options.js';

/** `validate`, short for `flow validate`. */
export function addValidateCommand(parent: Command, context: CommandContext, answer: Answer): void {
  parent
    .command('validate')
    .argument('<path...>', 'files, or folders whose .yml and .yaml files are checked')
    .description('check flows offline; says file, line and column of each fault')
    .addHelpText(
      'after',
      `
Examples:
  millrace validate hello.yml
  millrace validate flows/ examples/*/flow.yml

Exit code 2 when a flow is not valid. Warnings do not change it.`,
    )
    .action(async (paths: string[]) => {
      const { validateFlows } = await import('../commands/validate.js');
      answer(await validateFlows(paths, context));
    });
}

/** `flow validate|list|get|update|delete`. */
export function addFlowCommands(program: Command, context: CommandContext, answer: Answer): void {
  const flow = program.command('flow').alias('flows').description('flows: check, list, show, save, delete');
  addValidateCommand(flow, context, answer);
  withServerOptions(flow.command('list'))
    .description('list flows')
    .option('-n, --namespace <namespace>', 'only this namespace and those below it')
    .option('--size <number>', 'at most so many, up to 1000', pageSize, 100)
    .option('--json', 'print JSON')
    .action(async (flags: FlowListFlags) => {
      const { listFlows } = await import('../commands/flows.js');
      answer(await listFlows(flags, context));
    });
  withServerOptions(flow.command('get').argument('<namespace>').argument('<id>'))
    .description('print the YAML of a flow as it was written')
    .action(async (namespace: string, id: string, flags: ServerChoice) => {
      const { printFlow } = await import('../commands/flows.js');
      answer(await printFlow({ namespace, id }, flags, context));
    });
  withServerOptions(flow.command('update').alias('create').argument('<path...>', 'files or folders'))
    .description('save flows: new ones are created, changed ones get a new revision')
    .action(async (paths: string[], flags: ServerChoice) => {
      const { saveFlows } = await import('../commands/flows.js');
      answer(await saveFlows(paths, flags, context));
    });
  withServerOptions(flow.command('delete').argument('<namespace>').argument('<id>'))
    .description('delete a flow; its executions stay')
    .action(async (namespace: string, id: string, flags: ServerChoice) => {
      const { deleteFlow } = await import('../commands/flows.js');
      answer(await deleteFlow({ namespace, id }, flags, context));
    });
}
