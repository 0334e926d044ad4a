import { Option, type Command } from 'commander';
import type { LogLevel } from '@millrace/model';
import type { ExecutionListFlags, ExecutionLogFlags, ExecutionShowFlags } from '../commands/executions.js';
import type { ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';
import { pageSize, withServerOptions } from './server-options.js';

/** Written here, for the model is not loaded for the sake of `--help`. */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] satisfies readonly LogLevel[];

/** `executions list|get|logs|file|kill`. */
export function addExecutionCommands(program: Command, context: CommandContext, answer: Answer): void {
  const executions = program
    .command('executions')
    .alias('execution')
    .description('executions: list, show, logs, files, kill');
  withServerOptions(executions.command('list'))
    .description('list executions, the newest first')
    .option('-n, --namespace <namespace>', 'only this namespace and those below it')
    .option('--flow <id>', 'only executions of this flow')
    .option('-s, --state <state...>', 'only these states')
    .option('--size <number>', 'at most so many, up to 1000', pageSize, 25)
    .option('--json', 'print JSON')
    .action(async (flags: ExecutionListFlags) => {
      const { listExecutions } = await import('../commands/executions.js');
      answer(await listExecutions(flags, context));
    });
  withServerOptions(executions.command('get').argument('<id>'))
    .description('show an execution: task runs, outputs, files')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: ExecutionShowFlags) => {
      const { showExecution } = await import('../commands/executions.js');
      answer(await showExecution(id, flags, context));
    });
  withServerOptions(executions.command('logs').argument('<id>'))
    .description('print the log of an execution')
    .option('-f, --follow', 'go on until the execution has ended')
    .option('--task <id>', 'only this task')
    .addOption(new Option('--level <level>', 'at least this level').choices(LEVELS))
    .action(async (id: string, flags: ExecutionLogFlags) => {
      const { printLogs } = await import('../commands/executions.js');
      answer(await printLogs(id, flags, context));
    });
  withServerOptions(executions.command('file').argument('<id>').argument('<uri>', 'kestra:///…, as `get` shows it'))
    .description('write a file of an execution to stdout')
    .action(async (id: string, uri: string, flags: ServerChoice) => {
      const { printFile } = await import('../commands/executions.js');
      answer(await printFile(id, uri, flags, context));
    });
  withServerOptions(executions.command('kill').argument('<id...>'))
    .description('stop executions')
    .action(async (ids: string[], flags: ServerChoice) => {
      const { killExecutions } = await import('../commands/executions.js');
      answer(await killExecutions(ids, flags, context));
    });
}
