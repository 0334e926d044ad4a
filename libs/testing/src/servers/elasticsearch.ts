import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { ElasticsearchNode } from './elasticsearch-node.js';
import { installElasticsearch, isOpenToAll } from './elasticsearch-installation.js';
import { defaultCacheFolder } from './installation.js';
import { isRoot, missingForElasticsearch } from './java.js';
import { freePorts, isFree } from './ports.js';

export interface ElasticsearchOptions {
  /** Where the distribution is kept between runs. Default: `.cache/millrace/servers` of the user. */
  readonly cacheFolder?: string;
  /** Where the node keeps its data and its ports; started on it again, it is as before. Default: a temporary folder that `stop` removes. */
  readonly dataFolder?: string;
  /** On which it answers HTTP. Default: the one of before, else a free one. */
  readonly port?: number;
  /** Memory of the heap in MiB. Default 384. */
  readonly heapMb?: number;
  /** Lines of elasticsearch.yml; they win over ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** True: compiled for speed, as in production; slower to start. Default false. */
  readonly optimised?: boolean;
  /** Is given each line of the node's log. */
  readonly log?: (line: string) => void;
}

export interface ElasticsearchServer {
  /** For clients; the same after `restart`. */
  readonly url: string;
  /** Of the Java process; undefined while it is not running. */
  readonly pid: number | undefined;
  /** Resolves when every process is gone and, without a `dataFolder`, the data as well. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /**
   * Starts it again on its data and port, after SIGKILL when it runs; resolves when it is ready.
   * @throws Error with its last lines when it is not ready within 180 s; then it is not running
   */
  restart(): Promise<void>;
}

/** Somebody without rights, as whom the node runs when we are root. */
const NOBODY = 65_534;
const PORTS = 'ports.json';
const PORT_TAKEN = /Address already in use|BindHttpException|BindTransportException/;
const TRIES = 3;

/**
 * Starts a real Elasticsearch node on loopback and waits until it answers; it ends with this process, whatever ends it. It
 * has no security, no ILM, no scripts and no `GET /`: what the distribution for tests leaves out. The first call on a
 * machine fetches it, which may take a minute.
 * @throws Error with one sentence when something is missing on this machine, or with the last lines of what failed; a node
 *   that is not ready within 180 s has failed
 */
export async function startElasticsearch(options: ElasticsearchOptions = {}): Promise<ElasticsearchServer> {
  const missing = missingForElasticsearch();
  if (missing !== undefined) throw new Error(missing);
  const distribution = await installElasticsearch(options.cacheFolder ?? defaultCacheFolder());
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options, distribution);
    } catch (error) {
      // Somebody took a port between its choice and its use.
      if (tries >= TRIES || !(error instanceof Error) || !PORT_TAKEN.test(error.message)) throw error;
    }
  }
}

async function startOnce(options: ElasticsearchOptions, distribution: string): Promise<ElasticsearchServer> {
  const { dataFolder, heapMb = 384, settings = {}, optimised = false, log } = options;
  const folder = dataFolder ?? mkdtempSync(join(tmpdir(), 'millrace-elasticsearch-'));
  const end = (): void => {
    if (dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const runAs = isRoot() ? NOBODY : undefined;
    mkdirSync(folder, { recursive: true });
    if (runAs !== undefined) giveTo(runAs, folder);
    const [port, transportPort] = await portsOf(folder, options.port);
    const node = new ElasticsearchNode({
      distribution,
      folder,
      port,
      transportPort,
      heapMb,
      settings,
      optimised,
      ...(runAs === undefined ? {} : { runAs }),
      ...(log === undefined ? {} : { log }),
    });
    await node.start();
    return {
      url: `http://127.0.0.1:${port}`,
      get pid() {
        return node.pid;
      },
      async stop() {
        await node.stop();
        end();
      },
      kill: () => node.kill(),
      freeze: () => node.signal('SIGSTOP'),
      thaw: () => node.signal('SIGCONT'),
      async restart() {
        await node.kill();
        await node.start();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** For HTTP, and between nodes: those that the data had before, unless somebody else uses them by now. */
async function portsOf(folder: string, wanted: number | undefined): Promise<readonly [number, number]> {
  const file = join(folder, PORTS);
  const kept: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  const [first, second] = Array.isArray(kept) ? kept.map(Number) : [];
  const [freePort = 0, freeTransportPort = 0] = await freePorts(2);
  const before = first !== undefined && (await isFree(first)) ? first : freePort;
  const transportPort = second !== undefined && (await isFree(second)) ? second : freeTransportPort;
  const ports = [wanted ?? before, transportPort] as const;
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

/** Of the folders above, only temporary ones are opened: the others are not ours. */
function giveTo(user: number, folder: string): void {
  chownSync(folder, user, user);
  for (let above = dirname(folder); !relative(tmpdir(), above).startsWith('..'); above = dirname(above)) {
    if (above === tmpdir()) break;
    chmodSync(above, 0o711);
  }
  if (!isOpenToAll(dirname(folder)))
    throw new Error(
      `Elasticsearch refuses to run as root, and the user it runs as may not enter '${folder}': name a data folder whose parents everybody may enter`,
    );
}
