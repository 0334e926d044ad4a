import type { Command } from 'commander';
import type { LetterListFlags, ReplayFlags } from '../commands/dead-letters.js';
import type { ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';
import { pageSize, withServerOptions } from './server-options.js';

/** `dead-letters list|show|replay`. */
export function addDeadLetterCommands(program: Command, context: CommandContext, answer: Answer): void {
  const letters = program.command('dead-letters').description('records that nobody could handle: list, show, replay');
  withServerOptions(letters.command('list'))
    .description('list them, the newest first')
    .option('--processor <name>', 'only of this processor')
    .option('--topic <name>', 'only records of this topic')
    .option('--size <number>', 'at most so many, up to 1000', pageSize, 25)
    .option('--json', 'print JSON')
    .action(async (flags: LetterListFlags) => {
      const { listLetters } = await import('../commands/dead-letters.js');
      answer(await listLetters(flags, context));
    });
  withServerOptions(letters.command('show').argument('<id>'))
    .description('print one as JSON, with its value, which may hold secrets')
    .action(async (id: string, flags: ServerChoice) => {
      const { showLetter } = await import('../commands/dead-letters.js');
      answer(await showLetter(id, flags, context));
    });
  withServerOptions(letters.command('replay').argument('[id...]'))
    .description('publish the original records once more')
    .option('--all', 'every one that was not replayed')
    .option('--processor <name>', 'with --all: only of this processor')
    .option('--again', 'also those that were replayed before')
    .action(async (ids: string[], flags: ReplayFlags) => {
      const { replayLetters } = await import('../commands/dead-letters.js');
      answer(await replayLetters(ids, flags, context));
    });
}
