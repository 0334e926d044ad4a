import type { Command } from 'commander';
import type { RunFlags } from '../commands/run.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';
import { withServerOptions } from './server-options.js';

const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [...earlier, value];

/** `run`. */
export function addRunCommand(program: Command, context: CommandContext, answer: Answer): void {
  withServerOptions(program.command('run').argument('<file>', 'a flow in YAML'))
    .description('save a flow, start it, and follow it to its end')
    .option('-i, --input <name=value>', 'value of an input; may be repeated', collect)
    .option('-f, --file <name=path>', 'file for an input of type FILE; may be repeated', collect)
    .option('-l, --label <key=value>', 'label of the execution; may be repeated', collect)
    .option('-o, --output <folder>', 'save the files that the execution wrote, as <folder>/<task>/<file>')
    .option('--no-wait', 'start it and do not follow')
    .option('--json', 'print the execution as JSON and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  millrace run hello.yml --input name=Ada
  millrace run sales.yml --file data=sales.csv --output out --label team=finance
  millrace run nightly.yml --server https://millrace.example.org --no-wait

Without --server the server of the data folder is used; when none runs there, one is started for the time of this run.
Exit codes: 0 SUCCESS or WARNING; 1 FAILED, KILLED or CANCELLED; 2 wrong usage or invalid flow; 3 no server answers.
With Ctrl+C the command stops following; an execution on a server goes on.`,
    )
    .action(async (file: string, flags: RunFlags) => {
      const { runFlow } = await import('../commands/run.js');
      answer(await runFlow(file, flags, context));
    });
}
