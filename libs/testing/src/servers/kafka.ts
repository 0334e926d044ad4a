import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker, START_MS, type Installation } from './broker.js';
import { clusterIn } from './cluster-folder.js';
import { defaultCacheFolder, installKafka } from './installation.js';
import { missingForKafka } from './java.js';
import { makeKeystore } from './keystore.js';
import type { Security } from './properties.js';

export interface KafkaOptions {
  /** Default 1. With three, topics have three copies and two must confirm. */
  readonly brokers?: 1 | 3;
  /** Where jars and class archives are kept between runs. Default: `.cache/millrace/servers` of the user. */
  readonly cacheFolder?: string;
  /**
   * Where the brokers keep their data, addresses and password; started on it again, they are as before. Default: a
   * temporary folder that `stop` removes.
   */
  readonly dataFolder?: string;
  /** Lines of server.properties; they win over ours. */
  readonly properties?: Readonly<Record<string, string>>;
  /** How clients must show who they are. Default `none`. */
  readonly security?: Security;
  /** Memory of each broker's heap in MiB. Default 512. */
  readonly heapMegabytes?: number;
  /** True: compiled for speed, as in production; slower to start. Default false. */
  readonly optimised?: boolean;
  /** Is given each line of the brokers' logs. */
  readonly log?: (line: string) => void;
}

export interface KafkaBroker {
  /** From 1. */
  readonly id: number;
  /** For clients; the same after `restart`. */
  readonly address: string;
  /** Of the Java process; undefined while it is not running. */
  readonly pid: number | undefined;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /**
   * Starts it again on its data and ports, after SIGKILL when it runs; resolves when it is ready. Of three brokers one
   * alone is never ready: after killing two, start both at once.
   * @throws Error with its last lines when it is not ready within 120 s; then it is not running
   */
  restart(): Promise<void>;
}

export interface KafkaServers {
  /** Loopback addresses for clients. */
  readonly addresses: readonly string[];
  readonly brokers: readonly KafkaBroker[];
  /** With `plain` and `scram-sha-512`. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** PEM, with `tls`. */
  readonly certificateAuthority?: string;
  /** Resolves when every process is gone and, without a `dataFolder`, the data as well. */
  stop(): Promise<void>;
}

const STOP_MS = 10_000;
const PORT_TAKEN = /Address already in use|BindException/;
const TRIES = 3;

/**
 * Starts real brokers on loopback (KRaft, no ZooKeeper) and waits until they serve clients; they end with this process,
 * whatever ends it. The first call on a machine fetches Kafka, which may take a minute.
 * @throws Error with one sentence when Java or Maven are missing, or with the last lines of what failed; brokers that are
 *   not ready within 120 s have failed
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServers> {
  const missing = missingForKafka();
  if (missing !== undefined) throw new Error(missing);
  const log = options.log ?? (() => undefined);
  const installation = await installKafka(options.cacheFolder ?? defaultCacheFolder(), log);
  const limit = AbortSignal.timeout(START_MS);
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options, installation, limit);
    } catch (error) {
      // Somebody took a port between its choice and its use.
      if (tries >= TRIES || !(error instanceof Error) || !PORT_TAKEN.test(error.message)) throw error;
    }
  }
}

async function startOnce(options: KafkaOptions, installation: Installation, limit: AbortSignal): Promise<KafkaServers> {
  const { security = 'none', brokers: count = 1, dataFolder } = options;
  const folder = dataFolder ?? mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
  const brokers: Broker[] = [];
  const end = async (stop: (broker: Broker) => Promise<void>): Promise<void> => {
    await Promise.all(brokers.map(stop));
    if (dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const cluster = await clusterIn(folder, count, security);
    const keystore = security === 'tls' ? await makeKeystore(folder, limit) : undefined;
    const ids = cluster.brokers.map(({ id }) => id);
    const parts = { ...options, ...(keystore === undefined ? {} : { keystore }) };
    brokers.push(...ids.map((id) => new Broker(cluster, id, folder, installation, parts)));
    await together(brokers, limit, (broker, ends) => broker.format(ends));
    await together(brokers, limit, (broker, ends) => broker.start(ids, ends));
    return {
      addresses: brokers.map(({ address }) => address),
      brokers,
      ...(security === 'plain' || security === 'scram-sha-512' ? { credentials: cluster.account } : {}),
      ...(keystore === undefined ? {} : { certificateAuthority: keystore.certificateAuthority }),
      // In a cluster an orderly stop of the majority never ends: it finds no quorum.
      stop: () => end((broker) => (count === 1 ? broker.stop(STOP_MS) : broker.kill())),
    };
  } catch (error) {
    await end((broker) => broker.kill());
    throw error;
  }
}

/** When one fails the others are ended as well, before its error is thrown. */
async function together(
  brokers: readonly Broker[],
  limit: AbortSignal,
  act: (broker: Broker, ends: AbortSignal) => Promise<void>,
): Promise<void> {
  const ends = new AbortController();
  const end = (): void => ends.abort();
  limit.addEventListener('abort', end);
  if (limit.aborted) end();
  const acts = brokers.map((broker) => act(broker, ends.signal));
  try {
    await Promise.all(acts);
  } catch (error) {
    end();
    await Promise.allSettled(acts);
    throw error;
  } finally {
    limit.removeEventListener('abort', end);
  }
}
