import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './cluster-folder.js';
import type { Keystore } from './keystore.js';
import { knownBrokers } from './known-brokers.js';
import { isListening } from './ports.js';
import { brokerProperties, LOGGING, type BrokerPorts } from './properties.js';
import { LastLines, runSupervised, startSupervised, type SupervisedProcess } from './supervised-process.js';

/** From the first try to start a cluster, or one broker again, until it must be ready. */
export const START_MS = 120_000;
const FORMAT_HEAP_MEGABYTES = 128;
const DEFAULT_HEAP_MEGABYTES = 512;
const READY = 'Kafka Server started';
const ANSWER_MS = 5_000;
const LOOK_AGAIN_MS = 50;

/** Kafka on this machine. */
export interface Installation {
  /** The folder with its jars. */
  readonly jars: string;
  /** Classes that Java need not load and check one by one. */
  readonly classArchive?: string;
  /** Where a broker writes such an archive when it is stopped. */
  readonly archiveTo?: string;
}

export interface BrokerOptions {
  readonly keystore?: Keystore;
  /** Lines of server.properties; they win over ours. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly heapMegabytes?: number;
  readonly optimised?: boolean;
  readonly log?: (line: string) => void;
}

/** One broker of a cluster: a Java process that ends with this one, and what it keeps in a folder. */
export class Broker {
  readonly id: number;
  readonly address: string;
  readonly #ports: BrokerPorts;
  readonly #cluster: Cluster;
  readonly #home: string;
  readonly #installation: Installation;
  readonly #options: BrokerOptions;
  #process: SupervisedProcess | undefined;

  /** Writes its configuration into a folder of its own inside of `folder`; nothing is started. */
  constructor(cluster: Cluster, id: number, folder: string, installation: Installation, options: BrokerOptions) {
    const ports = cluster.brokers.find((one) => one.id === id);
    if (ports === undefined) throw new Error(`The cluster has no broker ${id}`);
    this.id = id;
    this.address = `127.0.0.1:${ports.client}`;
    this.#ports = ports;
    this.#cluster = cluster;
    this.#home = join(folder, `broker-${id}`);
    this.#installation = installation;
    this.#options = options;
    mkdirSync(this.#home, { recursive: true });
    writeFileSync(join(this.#home, 'log4j.yaml'), LOGGING);
    const properties = brokerProperties({
      self: ports,
      all: cluster.brokers,
      dataFolder: join(this.#home, 'data'),
      security: cluster.security,
      account: cluster.account,
      ...(options.keystore === undefined ? {} : { keystore: options.keystore }),
      more: options.properties ?? {},
    });
    writeFileSync(join(this.#home, 'server.properties'), properties, { mode: 0o600 });
  }

  /** undefined while it is not running. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Prepares its data; nothing happens when it has some already. */
  async format(limit: AbortSignal): Promise<void> {
    const { clusterId, security, account } = this.#cluster;
    const { username, password } = account;
    const user =
      security === 'scram-sha-512' ? ['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`] : [];
    const command = [
      ...this.#java(FORMAT_HEAP_MEGABYTES),
      ...['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', 'server.properties', '--ignore-formatted'],
      ...user,
    ];
    await runSupervised(`The data of broker ${this.id} could not be formatted`, command, this.#home, limit);
  }

  /**
   * Resolves when it serves clients and knows that the brokers with `ids` are up.
   * @throws Error with its last lines when it ends meanwhile, or `limit` comes first; then it is not running
   */
  async start(ids: readonly number[], limit: AbortSignal): Promise<void> {
    const lines = new LastLines();
    let markReady: () => void = () => undefined;
    const saidReady = new Promise<void>((resolve) => (markReady = resolve));
    const command = [...this.#java(this.#options.heapMegabytes ?? DEFAULT_HEAP_MEGABYTES), ...this.#archiving()];
    const started = await startSupervised([...command, 'kafka.Kafka', 'server.properties'], this.#home, (line) => {
      this.#options.log?.(`broker ${this.id}: ${line}`);
      lines.add(line);
      if (line.includes(READY)) markReady();
    });
    this.#process = started;
    const ended = started.ended.then((code) => {
      if (this.#process === started) this.#process = undefined;
      return code;
    });
    const failed = ended.then((code) => {
      throw new Error(`Broker ${this.id} ended with code ${code} while it started. ${lines.told()}`);
    });
    try {
      await Promise.race([this.#isReady(ids, saidReady, limit, lines), failed]);
    } catch (error) {
      started.signal('SIGKILL');
      await ended;
      throw error;
    }
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const running = this.#process;
    running?.signal('SIGKILL');
    await running?.ended;
    if (this.#process === running) this.#process = undefined;
  }

  /** In order; by SIGKILL when it takes longer than `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    // One that is frozen would never hear of it.
    running.signal('SIGCONT');
    running.signal('SIGTERM');
    const timer = setTimeout(() => running.signal('SIGKILL'), limitMs);
    await running.ended;
    clearTimeout(timer);
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Starts it again on its data and ports, after SIGKILL when it runs; resolves when it is ready. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start([this.id], AbortSignal.timeout(START_MS));
  }

  /** The line in its log comes first; that it answers, and that others know of it, a moment later. */
  async #isReady(
    ids: readonly number[],
    saidReady: Promise<void>,
    limit: AbortSignal,
    lines: LastLines,
  ): Promise<void> {
    await Promise.race([saidReady, aborted(limit)]);
    while (!limit.aborted) {
      const known: readonly number[] = await knownBrokers(this.#ports.internal, ANSWER_MS).catch(() => []);
      if (ids.every((id) => known.includes(id)) && (await isListening(this.#ports.client))) return;
      await pause(LOOK_AGAIN_MS);
    }
    throw new Error(
      `Broker ${this.id} was not ready in time: the machine may be too busy or, in a cluster, too few brokers may be up. ${lines.told()}`,
    );
  }

  #java(heapMegabytes: number): string[] {
    const { jars, classArchive } = this.#installation;
    return [
      'java',
      `-Xmx${heapMegabytes}m`,
      ...(this.#options.optimised === true ? [] : ['-XX:TieredStopAtLevel=1']),
      ...(classArchive === undefined ? [] : ['-Xshare:auto', `-XX:SharedArchiveFile=${classArchive}`]),
      '-Dlog4j2.configurationFile=log4j.yaml',
      ...['-cp', join(jars, '*')],
    ];
  }

  #archiving(): string[] {
    const { archiveTo } = this.#installation;
    return archiveTo === undefined ? [] : [`-XX:ArchiveClassesAtExit=${archiveTo}`];
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
