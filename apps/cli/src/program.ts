import { Command, CommanderError, Option } from 'commander';
import type { CommandContext } from './context.js';
import { addExecutionCommands } from './programs/executions.js';
import { addFlowCommands, addValidateCommand } from './programs/flows.js';
import { addIndexCommands } from './programs/index-commands.js';
import { addRunCommand } from './programs/run.js';
import { addServerCommands } from './programs/server.js';
import { EXIT } from './exit-code.js';
import { VERSION } from './version.js';
import { reportFailure } from './report-failure.js';

/** Runs one command and answers its exit code; every error becomes one sentence on stderr. */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  let code: number = EXIT.ok;
  const program = buildProgram(context, (answer) => (code = answer));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportFailure(error, { context, isVerbose: program.opts<{ verbose?: boolean }>().verbose === true });
  }
}

/** Sets the exit code of the process. */
export type Answer = (code: number) => void;

function buildProgram(context: CommandContext, answer: Answer): Command {
  const program = new Command('millrace')
    .description('Declarative workflow orchestration.')
    .version(VERSION, '-V, --version', 'print the version')
    .addOption(new Option('-v, --verbose', 'show the stack of an error'))
    .showHelpAfterError("(see 'millrace --help')")
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  addServerCommands(program, context, answer);
  addRunCommand(program, context, answer);
  addValidateCommand(program, context, answer);
  addFlowCommands(program, context, answer);
  addExecutionCommands(program, context, answer);
  addIndexCommands(program, context, answer);
  return program;
}

const EXAMPLES = `
Examples:
  millrace server standalone                       everything in one process, data in ./.millrace
  millrace validate flows/                         check every flow of a folder, offline
  millrace run hello.yml --input name=Ada          save a flow, run it, follow it to its end
  millrace executions list --state FAILED          what went wrong lately
  millrace executions logs 5vE2…                   the log of one execution

Commands find the server that runs on ./.millrace; --server URL names another.
Exit codes: 0 done or SUCCESS or WARNING; 1 FAILED, KILLED or CANCELLED; 2 wrong usage or invalid flow; 3 no server answers.
`;
