import { createLogger, loadConfiguration } from '@millrace/service';
import { generatedAccount } from './account.js';
import { createClient, type Client } from './client/client.js';
import { credentialsOf, dataFolderOf, type ServerChoice } from './connect.js';
import type { CommandContext } from './context.js';
import { makeDataFolder } from './data-folder.js';
import { VERSION } from './version.js';
import { startStandalone } from './standalone.js';

/** A standalone server inside this process, for one command. */
export interface TemporaryServer {
  readonly client: Client;
  stop(): Promise<void>;
}

/**
 * Starts one on a free port of the loopback address, on the data folder. A folder without an account gets one, whose
 * password is kept in the folder.
 */
export async function startTemporaryServer(choice: ServerChoice, context: CommandContext): Promise<TemporaryServer> {
  const folder = dataFolderOf(choice, context);
  makeDataFolder(folder.path);
  const { workingDirectory, environment, clock, stderr } = context;
  const configuration = loadConfiguration({
    workingDirectory,
    environment,
    flags: [
      { path: ['server', 'port'], value: 0, where: 'run' },
      { path: ['server', 'host'], value: '127.0.0.1', where: 'run' },
      { path: ['logging', 'level'], value: 'warn', where: 'run' },
      { path: ['data', 'path'], value: folder.path, where: 'run' },
    ],
  });
  const known = credentialsOf(choice, context, folder);
  const initial = known === undefined ? generatedAccount() : undefined;
  const { url, group } = await startStandalone({
    configuration,
    dataFolder: folder.path,
    version: VERSION,
    environment,
    clock,
    log: createLogger({ ...configuration.logging, destination: stderr }),
    ...(initial ? { initialAccount: initial } : {}),
  });
  // Commands in other terminals may find it meanwhile.
  folder.announce({ url, pid: process.pid });
  if (initial) folder.keepCredentials({ username: initial.username, password: initial.password.reveal() });
  const credentials = known ?? folder.credentials();
  return {
    client: createClient({ url, ...(credentials ? { credentials } : {}) }),
    async stop() {
      folder.withdraw(process.pid);
      await group.stop();
    },
  };
}
