import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ProductClient } from './client.js';
import { startRole, type StartedServer } from './server.js';

export type Role = 'executor' | 'worker' | 'scheduler' | 'webserver';

export interface ClusterOptions {
  readonly brokers: readonly string[];
  readonly executors?: number;
  readonly workers?: number;
  readonly schedulers?: number;
  readonly webservers?: number;
  readonly workerSlots?: number;
  readonly replicationFactor?: number;
  /** The command line that the servers are started with. Default: of this tree. */
  readonly main?: string;
  /** Of the topics keyed by execution. Default 4. */
  readonly partitions?: number;
  /** Of the executors' and workers' groups, ISO-8601. Default 3 s: tests shall not wait long for what was killed. */
  readonly sessionTimeout?: string;
  /** Executors leave this rule out. */
  readonly broken?: 'no-fencing' | 'position-outside-transaction' | 'no-claim-token';
}

/** One server of the cluster; after its end another takes its place. */
export class Member {
  #server: StartedServer;

  constructor(
    readonly role: Role,
    server: StartedServer,
    private readonly startAnother: () => Promise<StartedServer>,
  ) {
    this.#server = server;
  }

  get url(): string {
    return this.#server.url;
  }

  get pid(): number {
    return this.#server.process.pid;
  }

  /** kill -9, then another in its place. */
  async replace(): Promise<void> {
    await this.#server.kill();
    this.#server = await this.startAnother();
  }

  freeze(): void {
    this.#server.freeze();
  }

  /** Lets it go on; when it finds that it was given up and ends, another takes its place. */
  async thaw({ ends }: { readonly ends: boolean }): Promise<void> {
    this.#server.thaw();
    if (!ends) return;
    await this.#server.ended;
    this.#server = await this.startAnother();
  }

  output(): string {
    return this.#server.output();
  }

  kill(): Promise<void> {
    this.#server.thaw();
    return this.#server.kill();
  }

  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null> {
    return this.#server.stop();
  }

  /** Another one after `stop`. */
  async start(): Promise<void> {
    this.#server = await this.startAnother();
  }
}

export interface Cluster {
  readonly members: readonly Member[];
  readonly prefix: string;
  of(role: Role): readonly Member[];
  /** A client of one of the webservers. */
  client(at?: number): ProductClient;
  /** Another number of partitions in the configuration; servers read it when they start. */
  configure(partitions: number): Promise<void>;
  /** Servers that start from now on are of another version. */
  startWith(main: string): void;
  /** One more server. @throws Error with what it printed, when it does not start */
  add(role: Role): Promise<Member>;
  stop(): Promise<void>;
}

const BROKEN_SERVER = resolve('tests/cluster/broken-server.mjs');

/** Starts the product's servers as processes of their own on running brokers. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const {
    brokers,
    executors = 2,
    workers = 2,
    schedulers = 0,
    webservers = 2,
    workerSlots = 8,
    sessionTimeout = 'PT3S',
    broken,
  } = options;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cluster-'));
  const prefix = `cluster-${process.pid}-${Math.random().toString(36).slice(2, 8)}-`;
  const config = join(folder, 'millrace.yml');
  const configure = (partitions: number): Promise<void> =>
    writeFile(
      config,
      `queue: {type: kafka}
kafka:
  brokers: [${brokers.join(', ')}]
  topic-prefix: ${prefix}
  partitions: ${partitions}
  replication-factor: ${options.replicationFactor ?? 1}
  consumer: {session-timeout: ${sessionTimeout}, rebalance-timeout: PT5S}
storage: {local: {base-path: ${join(folder, 'storage')}}}
server: {termination-grace-period: PT10S}
`,
    );
  await configure(options.partitions ?? 4);
  const data = join(folder, 'data');
  let main = options.main;
  const start = (role: Role) => (): Promise<StartedServer> =>
    startRole(role, {
      data,
      config,
      ...(role === 'worker' ? { more: ['--worker-slots', String(workerSlots)] } : {}),
      ...(main === undefined ? {} : { main }),
      ...(role === 'executor' && broken !== undefined
        ? { main: BROKEN_SERVER, environment: { BROKEN_RULE: broken } }
        : {}),
    });
  const members: Member[] = [];
  const add = async (role: Role, count: number): Promise<void> => {
    const started = await Promise.allSettled(Array.from({ length: count }, start(role)));
    for (const one of started) if (one.status === 'fulfilled') members.push(new Member(role, one.value, start(role)));
    const failed = started.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  const killAll = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // An executor first: it owns the accounts that a webserver begins with.
    await add('executor', executors);
    await add('worker', workers);
    await add('scheduler', schedulers);
    await add('webserver', webservers);
  } catch (error) {
    await killAll();
    throw error;
  }
  const of = (role: Role): readonly Member[] => members.filter((member) => member.role === role);
  return {
    members,
    prefix,
    of,
    configure,
    startWith: (other) => void (main = other),
    async add(role) {
      const member = new Member(role, await start(role)(), start(role));
      members.push(member);
      return member;
    },
    client: (at = 0) => new ProductClient(of('webserver')[at % of('webserver').length]?.url ?? ''),
    stop: killAll,
  };
}
