import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { accountOf, openDataFolder, prepareFirstAccount, type Credentials } from '@millrace/cli';
import {
  missingForElasticsearch,
  missingForKafka,
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
  type KafkaServers,
} from '@millrace/testing/servers';
import { startCluster, type Cluster } from './cluster.js';

export interface LocalClusterOptions {
  /** Absolute. What brokers, index and servers keep; started on it again, the cluster has everything that it had. */
  readonly dataFolder: string;
  readonly brokers: 1 | 3;
  /** Of the first webserver; 0 takes a free one. */
  readonly port: number;
  /** `user:password` of the first account. Default: that of the data folder, else `admin` with a generated password. */
  readonly account?: string;
  /** Where Kafka and Elasticsearch are kept between runs. */
  readonly cacheFolder: string;
  /** False: without Elasticsearch and indexers; each webserver keeps a copy. */
  readonly hasIndex: boolean;
  /** Is told what happens, a sentence each. */
  readonly tell: (what: string) => void;
}

export interface LocalCluster {
  /** Of both webservers. */
  readonly urls: readonly string[];
  /** Health and metrics of the other servers, and where they print. */
  readonly servers: readonly { readonly name: string; readonly url: string; readonly logFile: string }[];
  readonly kafka: readonly string[];
  readonly elasticsearch: string | undefined;
  readonly logs: string;
  readonly config: string;
  readonly login: Credentials;
  /** The password was made just now, and nobody has seen it. */
  readonly isGenerated: boolean;
  /** Resolves with what ended, when a server ends by itself. */
  readonly failed: Promise<string>;
  /** Stops everything in order, what others need last. */
  stop(): Promise<void>;
}

/** Each of every server, so that any one of them can be stopped and users notice nothing. */
const OF_EACH = 2;
const PREFIX = 'millrace-';

/** What this machine lacks, in a sentence; undefined: nothing. */
export const missingForCluster = (hasIndex: boolean): string | undefined =>
  missingForKafka() ?? (hasIndex ? missingForElasticsearch() : undefined);

/**
 * Starts Kafka, Elasticsearch and two of every server as processes of this machine, all on loopback.
 * @throws Error in a sentence when something is missing or does not start; then nothing is left running
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { dataFolder, brokers, cacheFolder, hasIndex, tell } = options;
  const missing = missingForCluster(hasIndex);
  if (missing !== undefined) throw new Error(missing);
  const folder = openDataFolder(dataFolder);
  const running = folder.runningServer();
  if (running !== undefined)
    throw new Error(`A cluster runs on '${dataFolder}' already (${running.url}): stop it, or name another --data`);
  makeFolder(dataFolder);
  const logs = join(dataFolder, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const given = options.account === undefined ? undefined : accountOf(credentialsOf(options.account));
  const account = prepareFirstAccount(folder, { given, generate: true });
  let kafka: KafkaServers | undefined;
  let elasticsearch: ElasticsearchServer | undefined;
  let cluster: Cluster | undefined;
  let isStopping = false;
  const stop = async (): Promise<void> => {
    isStopping = true;
    folder.withdraw(process.pid);
    await cluster?.stopInOrder();
    await Promise.all([kafka?.stop(), elasticsearch?.stop()]);
  };
  try {
    const isFirst = !existsSync(join(dataFolder, 'kafka'));
    tell(`Starting Kafka${hasIndex ? ' and Elasticsearch' : ''}${isFirst ? ', fetched once on a machine' : ''} …`);
    const starts = await Promise.allSettled([
      startKafka({ brokers, cacheFolder, dataFolder: join(dataFolder, 'kafka') }).then((one) => (kafka = one)),
      hasIndex
        ? startElasticsearch({ cacheFolder, dataFolder: join(dataFolder, 'elasticsearch') }).then(
            (one) => (elasticsearch = one),
          )
        : undefined,
    ]);
    for (const one of starts) if (one.status === 'rejected') throw one.reason;
    tell('Starting two of every server …');
    const initial = account.initialAccount;
    cluster = await startCluster({
      brokers: kafka?.addresses ?? [],
      ...(elasticsearch === undefined ? {} : { elasticsearch: [elasticsearch.url], indexers: OF_EACH }),
      executors: OF_EACH,
      workers: OF_EACH,
      schedulers: OF_EACH,
      webservers: OF_EACH,
      replicationFactor: brokers,
      partitions: 8,
      sessionTimeout: 'PT10S',
      folder: dataFolder,
      prefix: PREFIX,
      port: options.port,
      logs,
      supervised: true,
      ...(initial === undefined ? {} : { account: `${initial.username}:${initial.password.reveal()}` }),
    });
    const urls = cluster.of('webserver').map(({ url }) => url);
    const login = await account.settle(urls[0] ?? '');
    if (login === undefined)
      throw new Error(`The accounts of '${dataFolder}' are others: name one of them with --auth user:password`);
    folder.announce({ url: urls[0] ?? '', pid: process.pid });
    return {
      urls,
      servers: cluster.members.map(({ name, url }) => ({ name, url, logFile: join(logs, `${name}.log`) })),
      kafka: kafka?.addresses ?? [],
      elasticsearch: elasticsearch?.url,
      logs,
      config: cluster.config,
      login,
      isGenerated: account.generated !== undefined,
      failed: Promise.race(
        cluster.members.map(({ name, ended }) =>
          ended.then(() => (isStopping ? new Promise<string>(() => undefined) : name)),
        ),
      ),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A node of Elasticsearch refuses to be root, and then needs to pass through; what lies in the folder stays private. */
function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) chmodSync(path, 0o711);
}

/** @throws Error when it is not `user:password` */
function credentialsOf(text: string): Credentials {
  const at = text.indexOf(':');
  if (at < 1 || at === text.length - 1) throw new Error(`--auth must be user:password, not '${text.slice(0, at)}'`);
  return { username: text.slice(0, at), password: text.slice(at + 1) };
}
