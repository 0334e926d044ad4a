import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ProductClient } from './client.js';
import { configurationText } from './cluster-configuration.js';
import { Member } from './member.js';
import type { Role } from './roles.js';
import { ACCOUNT, startRole, type StartedServer } from './server.js';

export { Member } from './member.js';
export type { Role } from './roles.js';

export interface ClusterOptions {
  readonly brokers: readonly string[];
  readonly executors?: number;
  readonly workers?: number;
  readonly schedulers?: number;
  readonly webservers?: number;
  /** Default: one when there is `elasticsearch`, else none. */
  readonly indexers?: number;
  /** Addresses of nodes: lists and searches come from an index there, with the topics' prefix. Default: no index. */
  readonly elasticsearch?: readonly string[];
  /** When ended executions leave the queue, ISO-8601. Default: the product's. */
  readonly retention?: string;
  readonly workerSlots?: number;
  /** Groups of the workers, one after the other; the last one is of all that follow. Default: the default group. */
  readonly workerGroups?: readonly string[];
  readonly replicationFactor?: number;
  /** The command line that the servers are started with. Default: of this tree. */
  readonly main?: string;
  /** Of the topics keyed by execution. Default 4. */
  readonly partitions?: number;
  /** Of the executors' and workers' groups, ISO-8601. Default 3 s: tests shall not wait long for what was killed. */
  readonly sessionTimeout?: string;
  /** Executors leave this rule out. */
  readonly broken?: 'no-fencing' | 'position-outside-transaction' | 'no-claim-token';
  /** What is kept lies in `folder`, which must exist, and stays when the cluster is stopped. Default: a temporary one. */
  readonly folder?: string;
  /** Of topics and indices. Default: one that nobody else has. */
  readonly prefix?: string;
  /** `user:password` of the first account. */
  readonly account?: string;
  /** Of the first webserver. Default: a free one. */
  readonly port?: number;
  /** Each server writes what it prints into a file of its own there. */
  readonly logs?: string;
  /** Servers are out of reach of the terminal's Ctrl+C, and end with this process, whatever ends that. */
  readonly supervised?: boolean;
}

export interface Cluster {
  readonly members: readonly Member[];
  readonly prefix: string;
  /** The configuration that all servers share. */
  readonly config: string;
  of(role: Role): readonly Member[];
  /** A client of one of the webservers. */
  client(at?: number): ProductClient;
  /** Another number of partitions in the configuration; servers read it when they start. */
  configure(partitions: number): Promise<void>;
  /** Servers that start from now on are of another version. */
  startWith(main: string): void;
  /** One more server. @throws Error with what it printed, when it does not start */
  add(role: Role): Promise<Member>;
  /** Kills every server, and removes the folder if it is a temporary one. */
  stop(): Promise<void>;
  /** SIGTERM to every server, those first that take new work; answers their exit codes. */
  stopInOrder(): Promise<readonly (number | null)[]>;
}

const BROKEN_SERVER = resolve('tests/cluster/broken-server.mjs');

/** Starts the product's servers as processes of their own on running brokers. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'millrace-cluster-')));
  const prefix = options.prefix ?? `cluster-${process.pid}-${Math.random().toString(36).slice(2, 8)}-`;
  const config = join(folder, 'millrace.yml');
  const configure = (partitions: number): Promise<void> =>
    writeFile(config, configurationText({ ...options, partitions }, folder, prefix));
  await configure(options.partitions ?? 4);
  let { main } = options;
  const starter = starterOf(options, join(folder, 'data'), config, () => main);
  const members: Member[] = [];
  const add = async (role: Role, count: number): Promise<void> => {
    const starts = Array.from({ length: count }, (_, at) => starter(role, at));
    const started = await Promise.allSettled(starts.map((start) => start()));
    started.forEach((one, at) => {
      const start = starts[at];
      if (one.status === 'fulfilled' && start !== undefined) members.push(new Member(role, at, one.value, start));
    });
    const failed = started.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  const end = async (): Promise<void> => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  const killAll = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await end();
  };
  const { executors = 2, workers = 2, schedulers = 0, webservers = 2 } = options;
  try {
    // An executor first: it owns the accounts that a webserver begins with.
    await add('executor', executors);
    await add('worker', workers);
    await add('scheduler', schedulers);
    await add('indexer', options.indexers ?? (options.elasticsearch === undefined ? 0 : 1));
    await add('webserver', webservers);
  } catch (error) {
    await killAll();
    throw error;
  }
  const of = (role: Role): readonly Member[] => members.filter((member) => member.role === role);
  return {
    members,
    prefix,
    config,
    of,
    configure,
    startWith: (other) => void (main = other),
    async add(role) {
      const at = of(role).length;
      const start = starter(role, at);
      const member = new Member(role, at, await start(), start);
      members.push(member);
      return member;
    },
    client: (at = 0) =>
      new ProductClient(of('webserver')[at % of('webserver').length]?.url ?? '', options.account ?? ACCOUNT),
    stop: killAll,
    async stopInOrder() {
      const codes: (number | null)[] = [];
      for (const role of ['webserver', 'scheduler', 'worker', 'executor', 'indexer'] as const)
        codes.push(...(await Promise.all(of(role).map((member) => member.stop()))));
      await end();
      return codes;
    },
  };
}

/** How the server of a role at a place is started, and started anew. */
function starterOf(
  { workerSlots = 8, workerGroups = [], broken, account, port, logs, supervised }: ClusterOptions,
  data: string,
  config: string,
  main: () => string | undefined,
): (role: Role, at: number) => () => Promise<StartedServer> {
  if (logs !== undefined) mkdirSync(logs, { recursive: true });
  return (role, at) => {
    const group = workerGroups[Math.min(at, workerGroups.length - 1)];
    const more = [
      ...(role === 'worker' ? ['--worker-slots', String(workerSlots)] : []),
      ...(role === 'worker' && group !== undefined ? ['--worker-group', group] : []),
    ];
    const isBroken = role === 'executor' && broken !== undefined;
    return () => {
      const chosen = main();
      return startRole(role, {
        // Each webserver keeps what the index does not have yet in a database of its own.
        data: role === 'webserver' ? `${data}-webserver-${at}` : data,
        config,
        more,
        ...(account === undefined ? {} : { account }),
        ...(role === 'webserver' && at === 0 && port !== undefined ? { port } : {}),
        ...(logs === undefined ? {} : { logFile: join(logs, `${role}-${at}.log`) }),
        ...(supervised === undefined ? {} : { supervised }),
        ...(chosen === undefined ? {} : { main: chosen }),
        ...(isBroken ? { main: BROKEN_SERVER, environment: { BROKEN_RULE: broken } } : {}),
      });
    };
  };
}
