import { InvalidArgumentError, type Command } from 'commander';

/** The options of every command that talks to a server. */
export const withServerOptions = (command: Command): Command =>
  command
    .option('--server <url>', 'address of the server; default: the one that runs on the data folder')
    .option('--user <name:password>', 'account; default: MILLRACE_USER and MILLRACE_PASSWORD, or the data folder')
    .option('--data <folder>', 'data folder; default: MILLRACE_DATA_PATH or ./.millrace');

/** Rows that the API gives at once. */
const PAGE_SIZE_MAX = 1_000;

/** How many rows a list should have. */
export function pageSize(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > PAGE_SIZE_MAX)
    throw new InvalidArgumentError(`it must be a whole number from 1 to ${PAGE_SIZE_MAX}`);
  return value;
}
