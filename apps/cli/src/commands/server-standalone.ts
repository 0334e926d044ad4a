import { resolve } from 'node:path';
import {
  configuredAccount,
  createLogger,
  loadConfiguration,
  runUntilSignal,
  type InitialAccount,
  type Logger,
  type Setting,
} from '@millrace/service';
import { createClient } from '../client/client.js';
import { parseCredentials } from '../connect.js';
import type { CommandContext } from '../context.js';
import { makeDataFolder, makePrivateFilesOnly, openDataFolder, type DataFolder } from '../data-folder.js';
import { prepareFirstAccount, type FirstAccount } from '../first-account.js';
import { paintFor, type Paint } from '../output/colour.js';
import { numberOrText, settingsFrom } from '../server-flags.js';
import { startStandalone } from '../standalone.js';
import { VERSION } from '../version.js';

export interface StandaloneFlags {
  readonly config?: string;
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly auth?: string;
  readonly generateAdmin?: boolean;
  readonly workerSlots?: string;
  readonly logLevel?: string;
}

/** `millrace server standalone`: every server in one process, until it is stopped. */
export async function serverStandalone(flags: StandaloneFlags, context: CommandContext): Promise<number> {
  const configuration = loadConfiguration({
    ...(flags.config === undefined ? {} : { file: resolve(context.workingDirectory, flags.config) }),
    workingDirectory: context.workingDirectory,
    environment: context.environment,
    flags: settingsOf(flags),
  });
  const folder = openDataFolder(resolve(context.workingDirectory, configuration.data.path));
  makePrivateFilesOnly();
  makeDataFolder(folder.path);
  const log = createLogger({ ...configuration.logging, destination: context.stderr });
  const configured = configuredAccount(configuration);
  const account = prepareFirstAccount(folder, { given: configured, generate: flags.generateAdmin === true });
  const { url, group, drained } = await startStandalone({
    configuration,
    dataFolder: folder.path,
    version: VERSION,
    environment: context.environment,
    clock: context.clock,
    log,
    ...(account.initialAccount ? { initialAccount: account.initialAccount } : {}),
  });
  folder.announce({ url, pid: process.pid });
  try {
    const hint = await loginHint(account, { url, configured, log }).catch(async (error: unknown) => {
      await group.stop();
      throw error;
    });
    context.stdout.write(greetingText({ url, folder, hint }, paintFor(context.stdout, context.environment)));
    return await runUntilSignal(group, {
      context: { clock: context.clock, log },
      signals: context.signals,
      drained,
      exitNow: context.exitNow,
      gracePeriodMs: configuration.server.terminationGracePeriod,
      onFailure: (error) => log.error({ err: error }, 'The server stopped because one of its parts failed'),
    });
  } finally {
    folder.withdraw(process.pid);
  }
}

/** Values of flags as settings of the configuration, which checks them. */
function settingsOf(flags: StandaloneFlags): readonly Setting[] {
  const account = flags.auth === undefined ? undefined : parseCredentials(flags.auth, '--auth');
  return settingsFrom([
    ['data.path', '--data', flags.data],
    ['server.port', '--port', numberOrText(flags.port)],
    ['server.host', '--host', flags.host],
    ['worker.slots', '--worker-slots', numberOrText(flags.workerSlots)],
    ['logging.level', '--log-level', flags.logLevel],
    ['security.superAdmin.username', '--auth', account?.username],
    ['security.superAdmin.password', '--auth', account?.password],
  ]);
}

interface LoginHint {
  readonly url: string;
  readonly configured: InitialAccount | undefined;
  readonly log: Logger;
}

/** Settles the first account and answers how to log in, for the greeting. */
async function loginHint(account: FirstAccount, { url, configured, log }: LoginHint): Promise<string> {
  const login = await account.settle(url);
  if (configured && login?.username !== configured.username)
    log.warn(
      { username: configured.username },
      'The configured account was not taken: this data folder has its accounts already',
    );
  if (login && account.generated) return `${login.username} / ${login.password}   (shown only this once)`;
  if (login) {
    return `as ${login.username}; commands on this machine use the password in credentials.json of the data folder`;
  }
  if (await createClient({ url }).isSetUp()) return 'with your account';
  return 'open the address in a browser on this machine to make the first account';
}

interface Greeting {
  readonly url: string;
  readonly folder: DataFolder;
  readonly hint: string;
}

function greetingText({ url, folder, hint }: Greeting, paint: Paint): string {
  const lines = [
    ['Millrace', url],
    ['Data', folder.path],
    ['Log in', hint],
    ['Stop', 'Ctrl+C'],
  ] as const;
  return `\n${lines.map(([name, value]) => `  ${paint('bold', name.padEnd(9))} ${value}`).join('\n')}\n\n`;
}
