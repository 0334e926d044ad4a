import type { Command } from 'commander';
import type { IndexRebuildFlags } from '../commands/index-rebuild.js';
import type { CommandContext } from '../context.js';
import type { Answer } from '../program.js';

/** `index rebuild`. */
export function addIndexCommands(program: Command, context: CommandContext, answer: Answer): void {
  const index = program.command('index').description('the index in Elasticsearch');
  index
    .command('rebuild')
    .description("make the index anew from Kafka's topics, while the cluster runs")
    .option('--data <folder>', 'folder for temporary files')
    .option('--log-level <level>', 'trace, debug, info, warn or error (default info)')
    .option('--config <file>', 'configuration file (default ./millrace.yml, if there is one)')
    .addHelpText(
      'after',
      `
Makes a new generation of every index: first a copy of what the index has, then everything over it that the topics still
have. Then the running indexers go on with it, searches follow, and the earlier one is removed. Ctrl+C ends it where nothing
has changed; it can be started again at any moment. There must be room for both generations.`,
    )
    .action(async (flags: IndexRebuildFlags) => {
      const { indexRebuild } = await import('../commands/index-rebuild.js');
      answer(await indexRebuild(flags, context));
    });
}
