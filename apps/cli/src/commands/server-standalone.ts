import { resolve } from 'node:path';
import type { Secret } from '@millrace/service';
import {
  configuredAccount,
  createLogger,
  loadConfiguration,
  runUntilSignal,
  type Configuration,
  type InitialAccount,
  type Setting,
} from '@millrace/service';
import { createClient } from '../client/client.js';
import { ServerRefusal } from '../client/http.js';
import { parseCredentials } from '../connect.js';
import type { CommandContext } from '../context.js';
import { makeDataFolder, openDataFolder, type DataFolder } from '../data-folder.js';
import { paintFor, type Paint } from '../output/colour.js';
import { generatedAccount } from '../account.js';
import { VERSION } from '../version.js';
import { startStandalone, type Standalone } from '../standalone.js';

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
  makeDataFolder(folder.path);
  const log = createLogger({ ...configuration.logging, destination: context.stderr });
  const account = configuredAccount(configuration);
  const generated = account === undefined && flags.generateAdmin ? generatedAccount() : undefined;
  const standalone = await startStandalone({
    configuration,
    dataFolder: folder.path,
    version: VERSION,
    environment: context.environment,
    clock: context.clock,
    log,
    ...initialAccount(account ?? generated),
  });
  folder.announce({ url: standalone.url, pid: process.pid });
  try {
    const isCreated = await keepFirstAccount(standalone, account ?? generated, folder);
    const greeting = { configuration, standalone, folder, ...(generated && isCreated ? { generated } : {}) };
    context.stdout.write(greetingText(greeting, paintFor(context.stdout, context.environment)));
    if (account && !isCreated)
      log.warn(
        { username: account.username },
        'The configured account was not taken: this data folder has its accounts already',
      );
    return await runUntilSignal(standalone.group, {
      context: { clock: context.clock, log },
      signals: context.signals,
      exitNow: context.exitNow,
      gracePeriodMs: configuration.server.terminationGracePeriod,
      onFailure: (error) => log.error({ err: error }, 'The server stopped because one of its parts failed'),
    });
  } finally {
    folder.withdraw(process.pid);
  }
}

const initialAccount = (account: InitialAccount | undefined): { readonly initialAccount?: InitialAccount } =>
  account === undefined ? {} : { initialAccount: account };

/** Values of flags as settings of the configuration, which checks them. */
function settingsOf(flags: StandaloneFlags): readonly Setting[] {
  const number = (text: string): unknown => (/^-?\d+$/.test(text) ? Number(text) : text);
  const account = flags.auth === undefined ? undefined : parseCredentials(flags.auth, '--auth');
  const given: readonly (readonly [string, string, unknown])[] = [
    ['data.path', '--data', flags.data],
    ['server.port', '--port', flags.port === undefined ? undefined : number(flags.port)],
    ['server.host', '--host', flags.host],
    ['worker.slots', '--worker-slots', flags.workerSlots === undefined ? undefined : number(flags.workerSlots)],
    ['logging.level', '--log-level', flags.logLevel],
    ['security.superAdmin.username', '--auth', account?.username],
    ['security.superAdmin.password', '--auth', account?.password],
  ];
  return given.flatMap(([path, where, value]) =>
    value === undefined ? [] : [{ path: path.split('.'), where, value }],
  );
}

/**
 * Commands on this machine log in with the first account: it is kept in the data folder, readable by its owner only.
 * Answers false when the account does not open the door, because the folder had its accounts before.
 */
async function keepFirstAccount(
  { url }: Standalone,
  account: InitialAccount | undefined,
  folder: DataFolder,
): Promise<boolean> {
  if (!account) return false;
  const credentials = { username: account.username, password: account.password.reveal() };
  try {
    await createClient({ url, credentials }).searchFlows({ size: 1 });
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) return false;
    throw error;
  }
  folder.keepCredentials(credentials);
  return true;
}

interface Greeting {
  readonly configuration: Configuration;
  readonly standalone: Standalone;
  readonly folder: DataFolder;
  /** A password that nobody knows yet; shown this once. */
  readonly generated?: { readonly username: string; readonly password: Secret };
}

function greetingText({ standalone, folder, generated }: Greeting, paint: Paint): string {
  const kept = folder.credentials();
  const login = generated
    ? `${generated.username} / ${generated.password.reveal()}   (shown only this once)`
    : kept
      ? `as ${kept.username}; commands on this machine are logged in already`
      : 'with your account, or open the address in a browser on this machine to make the first one';
  const lines = [
    ['Millrace', standalone.url],
    ['Data', folder.path],
    ['Log in', login],
    ['Stop', 'Ctrl+C'],
  ] as const;
  return `\n${lines.map(([name, value]) => `  ${paint('bold', name.padEnd(9))} ${value}`).join('\n')}\n\n`;
}
