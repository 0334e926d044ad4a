import { resolve } from 'node:path';
import { loadConfiguration, printConfiguration } from '@millrace/service';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-code.js';

export interface ConfigurationFlags {
  readonly config?: string;
}

/** `millrace configs`: file, environment and defaults as a server would take them. */
export function printConfigs({ config }: ConfigurationFlags, context: CommandContext): number {
  const { workingDirectory, environment } = context;
  const file = config === undefined ? {} : { file: resolve(workingDirectory, config) };
  context.stdout.write(printConfiguration(loadConfiguration({ ...file, workingDirectory, environment, flags: [] })));
  return EXIT.ok;
}
