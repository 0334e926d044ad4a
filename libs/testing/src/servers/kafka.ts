import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaJars } from './jars.js';
import { missingForKafka } from './java.js';
import { brokerProperties, LOGGING, type BrokerPorts, type Security } from './properties.js';
import { startJava, type SupervisedJava } from './supervised-java.js';

const run = promisify(execFile);

export interface KafkaOptions {
  /** Default 1. With three, topics have three copies and two must confirm. */
  readonly brokers?: 1 | 3;
  /** Where jars are kept between runs. Default: `.cache/millrace/servers` of the user. */
  readonly cacheFolder?: string;
  /** Kept after `stop`. Default: a temporary folder that is removed. */
  readonly dataFolder?: string;
  /** Lines of server.properties; they win over ours. */
  readonly properties?: Readonly<Record<string, string>>;
  /** How clients must show who they are. Default `none`. */
  readonly security?: Security;
  /** Memory of each broker's heap in MiB. Default 512. */
  readonly heapMegabytes?: number;
  /** True: compiled for speed, as in production; slower to start. Default false. */
  readonly optimised?: boolean;
  readonly log?: (line: string) => void;
}

export interface KafkaBroker {
  readonly id: number;
  readonly address: string;
  /** undefined while it is not running. */
  readonly pid: number | undefined;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Starts it again on its data and ports; resolves when it is ready. */
  restart(): Promise<void>;
}

export interface KafkaServers {
  /** Loopback addresses for clients. */
  readonly addresses: readonly string[];
  readonly brokers: readonly KafkaBroker[];
  readonly credentials?: { readonly username: string; readonly password: string };
  /** PEM, with `tls`. */
  readonly certificateAuthority?: string;
  stop(): Promise<void>;
}

const START_MS = 120_000;
const STOP_MS = 10_000;
const LINES_KEPT = 30;
const READY = 'Kafka Server started';
const PORT_TAKEN = /Address already in use|BindException/;
const TRIES = 3;

/**
 * Starts real brokers on loopback (KRaft, no ZooKeeper) and waits until they are ready. They end with this process.
 * @throws Error with one sentence when Java or Maven are missing, or with the broker's last lines when it does not start
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServers> {
  const missing = missingForKafka();
  if (missing !== undefined) throw new Error(missing);
  const jars = await kafkaJars(options.cacheFolder);
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options, jars);
    } catch (error) {
      // Somebody took a port between its choice and its use.
      if (tries >= TRIES || !(error instanceof Error) || !PORT_TAKEN.test(error.message)) throw error;
    }
  }
}

async function startOnce(options: KafkaOptions, jars: string): Promise<KafkaServers> {
  const folder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
  const removeFolder = (): void => {
    if (options.dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  const security = options.security ?? 'none';
  const account = { username: 'millrace', password: randomBytes(9).toString('base64url') };
  const keystore = { file: join(folder, 'keystore.p12'), password: randomBytes(9).toString('base64url') };
  mkdirSync(folder, { recursive: true });
  const authority = security === 'tls' ? await makeKeystore(folder, keystore) : undefined;
  const ids = Array.from({ length: options.brokers ?? 1 }, (_, at) => at + 1);
  const ports = await Promise.all(ids.map(choosePorts));
  const clusterId = newClusterId();
  const brokers = ports.map((self) => {
    const home = join(folder, `broker-${self.id}`);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'log4j.yaml'), LOGGING);
    const properties = brokerProperties({
      self,
      all: ports,
      dataFolder: join(home, 'data'),
      security,
      account,
      keystore,
      more: options.properties ?? {},
    });
    writeFileSync(join(home, 'server.properties'), properties);
    return new Broker(self, home, jars, options);
  });
  const stop = async (): Promise<void> => {
    // In a cluster an orderly stop of the majority never ends: it finds no quorum.
    await Promise.all(brokers.map((broker) => (brokers.length === 1 ? broker.stop() : broker.kill())));
    removeFolder();
  };
  try {
    const scram = security === 'scram-sha-512' ? account : undefined;
    await Promise.all(brokers.map((broker) => broker.format(clusterId, scram)));
    await Promise.all(brokers.map((broker) => broker.restart()));
  } catch (error) {
    await Promise.all(brokers.map((broker) => broker.kill()));
    removeFolder();
    throw error;
  }
  return {
    addresses: brokers.map(({ address }) => address),
    brokers,
    ...(security === 'plain' || security === 'scram-sha-512' ? { credentials: account } : {}),
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    stop,
  };
}

class Broker implements KafkaBroker {
  readonly id: number;
  readonly address: string;
  readonly #home: string;
  readonly #jars: string;
  readonly #options: KafkaOptions;
  #java: SupervisedJava | undefined;

  constructor({ id, client }: BrokerPorts, home: string, jars: string, options: KafkaOptions) {
    this.id = id;
    this.address = `127.0.0.1:${client}`;
    this.#home = home;
    this.#jars = jars;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#java?.pid;
  }

  async format(clusterId: string, scram?: { readonly username: string; readonly password: string }): Promise<void> {
    const user = scram && ['--add-scram', `SCRAM-SHA-512=[name=${scram.username},password=${scram.password}]`];
    const args = ['format', '-t', clusterId, '-c', 'server.properties', '--ignore-formatted', ...(user ?? [])];
    const java = [...this.#javaArgs(128), 'kafka.tools.StorageTool', ...args];
    await run('java', java, { cwd: this.#home }).catch((error: unknown) => {
      throw new Error(`The folder of broker ${this.id} could not be prepared: ${String(error)}`, { cause: error });
    });
  }

  async restart(): Promise<void> {
    if (this.#java !== undefined) await this.kill();
    const { heapMegabytes = 512, log } = this.#options;
    const java = await startJava([...this.#javaArgs(heapMegabytes), 'kafka.Kafka', 'server.properties'], this.#home);
    this.#java = java;
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const told = (): string => lines.slice(-LINES_KEPT).join('\n');
      const timer = setTimeout(
        () => reject(new Error(`Broker ${this.id} was not ready within ${START_MS / 1_000} s:\n${told()}`)),
        START_MS,
      );
      void java.ended.then(() => {
        clearTimeout(timer);
        reject(new Error(`Broker ${this.id} ended while it started:\n${told()}`));
      });
      java.onLine((line) => {
        log?.(`broker ${this.id}: ${line}`);
        if (lines.push(line) > 10 * LINES_KEPT) lines.splice(0, 5 * LINES_KEPT);
        if (!line.includes(READY)) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async kill(): Promise<void> {
    const java = this.#java;
    this.#java = undefined;
    java?.kill();
    await java?.ended;
  }

  async stop(): Promise<void> {
    const java = this.#java;
    if (java === undefined) return;
    this.#java = undefined;
    java.signal('SIGCONT');
    java.signal('SIGTERM');
    const timer = setTimeout(() => java.kill(), STOP_MS);
    await java.ended;
    clearTimeout(timer);
  }

  freeze(): void {
    this.#java?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#java?.signal('SIGCONT');
  }

  #javaArgs(heapMegabytes: number): string[] {
    return [
      `-Xmx${heapMegabytes}m`,
      ...(this.#options.optimised === true ? [] : ['-XX:TieredStopAtLevel=1']),
      '-Dlog4j2.configurationFile=log4j.yaml',
      '-cp',
      join(this.#jars, '*'),
    ];
  }
}

async function choosePorts(id: number): Promise<BrokerPorts> {
  const [client = 0, internal = 0, controller = 0] = await freePorts(3);
  return { id, client, internal, controller };
}

/** Ports that nobody uses at the moment, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const portOf = (address: AddressInfo | string | null): number =>
    typeof address === 'object' && address !== null ? address.port : 0;
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(portOf(server.address())));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** 16 bytes as Kafka writes them; one that began with a dash would be read as an option. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}

/** A certificate of the broker's own; clients trust it as its own authority. Answers it as PEM. */
async function makeKeystore(folder: string, { file, password }: { file: string; password: string }): Promise<string> {
  const store = ['-keystore', file, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'broker'];
  rmSync(file, { force: true });
  await run('keytool', [
    '-genkeypair',
    ...store,
    ...['-keyalg', 'RSA', '-keysize', '2048', '-validity', '3650'],
    ...['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost'],
  ]);
  const certificate = join(folder, 'broker.pem');
  await run('keytool', ['-exportcert', '-rfc', ...store, '-file', certificate]);
  return readFileSync(certificate, 'utf8');
}
