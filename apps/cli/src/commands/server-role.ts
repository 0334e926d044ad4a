import { resolve } from 'node:path';
import { configuredAccount, createLogger, loadConfiguration, runUntilSignal, type Setting } from '@millrace/service';
import type { ClusterRole } from '../cluster-roles.js';
import { startClusterServer } from '../cluster-server.js';
import { parseCredentials } from '../connect.js';
import type { CommandContext } from '../context.js';
import { makeDataFolder, makePrivateFilesOnly } from '../data-folder.js';
import { numberOrText, settingsFrom } from '../server-flags.js';
import { VERSION } from '../version.js';

export interface RoleFlags {
  readonly config?: string;
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly auth?: string;
  readonly workerSlots?: string;
  readonly workerGroup?: string;
  readonly logLevel?: string;
}

/** `millrace server executor|worker|scheduler|indexer|webserver`: one server of a cluster, until it is stopped. */
export async function serverRole(role: ClusterRole, flags: RoleFlags, context: CommandContext): Promise<number> {
  const configuration = loadConfiguration({
    ...(flags.config === undefined ? {} : { file: resolve(context.workingDirectory, flags.config) }),
    workingDirectory: context.workingDirectory,
    environment: context.environment,
    flags: settingsOf(role, flags),
  });
  const dataFolder = resolve(context.workingDirectory, configuration.data.path);
  const log = createLogger({ ...configuration.logging, destination: context.stderr });
  const initialAccount = role === 'webserver' ? configuredAccount(configuration) : undefined;
  makePrivateFilesOnly();
  makeDataFolder(dataFolder);
  const { url, instance, group } = await startClusterServer(role, {
    configuration,
    dataFolder,
    version: VERSION,
    environment: context.environment,
    clock: context.clock,
    log,
    ...(initialAccount ? { initialAccount } : {}),
    ...(context.broken === undefined ? {} : { broken: context.broken }),
  });
  const what = role === 'webserver' ? 'API' : 'health and metrics';
  context.stdout.write(`Millrace ${role} ${instance} runs; ${what}: ${url}\n`);
  return runUntilSignal(group, {
    context: { clock: context.clock, log },
    signals: context.signals,
    exitNow: context.exitNow,
    gracePeriodMs: configuration.server.terminationGracePeriod,
    onFailure: (error) => log.error({ err: error }, 'The server stopped because one of its parts failed'),
  });
}

function settingsOf(role: ClusterRole, flags: RoleFlags): readonly Setting[] {
  const account = flags.auth === undefined ? undefined : parseCredentials(flags.auth, '--auth');
  return settingsFrom([
    ['data.path', '--data', flags.data],
    [role === 'webserver' ? 'server.port' : 'server.managementPort', '--port', numberOrText(flags.port)],
    ['server.host', '--host', flags.host],
    ['worker.slots', '--worker-slots', numberOrText(flags.workerSlots)],
    ['worker.groupKey', '--worker-group', flags.workerGroup],
    ['logging.level', '--log-level', flags.logLevel],
    ['security.superAdmin.username', '--auth', account?.username],
    ['security.superAdmin.password', '--auth', account?.password],
  ]);
}
