import { configuredAccount, createLogger, loadConfiguration, type Configuration } from '@millrace/service';
import { createClient, type Client } from './client/client.js';
import { dataFolderOf, givenCredentials, type ServerChoice } from './connect.js';
import type { CommandContext } from './context.js';
import { makeDataFolder, makePrivateFilesOnly } from './data-folder.js';
import { CommandFailure, EXIT } from './exit-code.js';
import { accountOf, prepareFirstAccount } from './first-account.js';
import { startStandalone } from './standalone.js';
import { VERSION } from './version.js';

/** A standalone server inside this process, for one command. */
export interface TemporaryServer {
  readonly client: Client;
  stop(): Promise<void>;
}

/** Somebody waits at a terminal: running tasks get 5 s, and what follows them the rest. */
const GRACE_PERIOD = 'PT10S';

/**
 * Starts one on a free port of the loopback address, on the data folder. A folder without an account gets one: that of
 * the configuration, else the given one, else a generated one. What opens the door is kept in the folder.
 *
 * @throws CommandFailure 1 when the folder has an account that is not known here
 */
export async function startTemporaryServer(choice: ServerChoice, context: CommandContext): Promise<TemporaryServer> {
  const folder = dataFolderOf(choice, context);
  const { environment, clock, stderr } = context;
  const configuration = configurationFor(folder.path, context);
  const given = givenCredentials(choice, context);
  makePrivateFilesOnly();
  makeDataFolder(folder.path);
  const account = prepareFirstAccount(folder, {
    given: configuredAccount(configuration) ?? (given && accountOf(given)),
    generate: true,
  });
  const { url, group } = await startStandalone({
    configuration,
    dataFolder: folder.path,
    version: VERSION,
    environment,
    clock,
    log: createLogger({ ...configuration.logging, destination: stderr }),
    ...(account.initialAccount ? { initialAccount: account.initialAccount } : {}),
  });
  // Commands in other terminals may find it meanwhile.
  folder.announce({ url, pid: process.pid });
  const stop = async (): Promise<void> => {
    folder.withdraw(process.pid);
    await group.stop();
  };
  try {
    const settled = await account.settle(url);
    return { client: createClient({ url, credentials: given ?? settled ?? unknownAccount() }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configurationFor(dataFolder: string, { workingDirectory, environment }: CommandContext): Configuration {
  return loadConfiguration({
    workingDirectory,
    environment,
    flags: [
      { path: ['server', 'port'], value: 0, where: 'run' },
      { path: ['server', 'host'], value: '127.0.0.1', where: 'run' },
      { path: ['server', 'terminationGracePeriod'], value: GRACE_PERIOD, where: 'run' },
      { path: ['logging', 'level'], value: 'warn', where: 'run' },
      { path: ['data', 'path'], value: dataFolder, where: 'run' },
    ],
  });
}

function unknownAccount(): never {
  throw new CommandFailure(
    EXIT.failed,
    'This data folder has an account whose password it does not hold: give its user name and password with MILLRACE_USER and MILLRACE_PASSWORD, or with --user NAME:PASSWORD',
  );
}
