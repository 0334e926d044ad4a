import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { javaHome } from './java.js';
import { LastLines, startSupervised, type SupervisedProcess } from './supervised-process.js';

const START_MS = 180_000;
const STOP_MS = 20_000;
const ANSWER_MS = 5_000;
const LOOK_AGAIN_MS = 100;

export interface ElasticsearchNodeOptions {
  readonly distribution: string;
  /** Belongs to `runAs`. */
  readonly folder: string;
  readonly port: number;
  readonly transportPort: number;
  readonly heapMb: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly optimised: boolean;
  /** Id of the user that it runs as; absent: ours. */
  readonly runAs?: number;
  readonly log?: (line: string) => void;
}

/** One Elasticsearch node: a launcher and the server below it, which end with this process. */
export class ElasticsearchNode {
  readonly #options: ElasticsearchNodeOptions;
  readonly #javaHome = javaHome();
  #launcher: SupervisedProcess | undefined;

  /** Writes its configuration; nothing is started. */
  constructor(options: ElasticsearchNodeOptions) {
    this.#options = options;
    const configuration = this.#folder('conf');
    for (const name of ['data', 'logs', 'tmp', 'repo']) this.#folder(name);
    this.#write(join(configuration, 'elasticsearch.yml'), this.#settings());
    this.#write(join(configuration, 'jvm.options'), JVM_OPTIONS);
    this.#write(join(configuration, 'log4j2.properties'), LOGGING);
  }

  /** Of the server, not of its launcher; undefined while it is not running. */
  get pid(): number | undefined {
    const file = this.#pidFile;
    if (this.#launcher === undefined || !existsSync(file)) return undefined;
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  }

  /**
   * Resolves when it answers.
   * @throws Error with its last lines when it ends meanwhile, or is not ready in time; then it is not running
   */
  async start(): Promise<void> {
    // Of a server that was killed.
    rmSync(this.#pidFile, { force: true });
    const lines = new LastLines();
    const started = await startSupervised(this.#command(), this.#options.folder, (line) => {
      this.#options.log?.(line);
      lines.add(line);
    });
    this.#launcher = started;
    let endedWith: number | undefined | 'not yet' = 'not yet';
    void started.ended.then((code) => {
      endedWith = code;
      if (this.#launcher === started) this.#launcher = undefined;
    });
    const limit = AbortSignal.timeout(START_MS);
    while (!(await this.#answers())) {
      if (endedWith !== 'not yet')
        throw new Error(`Elasticsearch ended with code ${String(endedWith)} while it started. ${lines.told()}`);
      if (limit.aborted) {
        await this.kill();
        throw new Error(
          `Elasticsearch was not ready within ${START_MS / 1_000} s: the machine may be too busy. ${lines.told()}`,
        );
      }
      await pause(LOOK_AGAIN_MS);
    }
  }

  /** To the server; nothing happens when it is not running. */
  signal(name: NodeJS.Signals): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      process.kill(pid, name);
    } catch (error) {
      // ESRCH: it has ended by itself.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }

  /** SIGKILL; resolves when everything is gone. */
  async kill(): Promise<void> {
    const launcher = this.#launcher;
    this.signal('SIGKILL');
    launcher?.signal('SIGKILL');
    await launcher?.ended;
  }

  /** In order; by SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    const launcher = this.#launcher;
    if (launcher === undefined) return;
    // One that is frozen would never hear of it.
    this.signal('SIGCONT');
    launcher.signal('SIGTERM');
    const timer = setTimeout(() => void this.kill(), STOP_MS);
    await launcher.ended;
    clearTimeout(timer);
  }

  async #answers(): Promise<boolean> {
    const address = `http://127.0.0.1:${this.#options.port}/_cluster/health?wait_for_status=yellow&timeout=2s`;
    try {
      const { ok } = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) });
      return ok;
    } catch {
      return false;
    }
  }

  #command(): string[] {
    const { distribution, folder, heapMb, optimised, runAs } = this.#options;
    const options = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`, ...(optimised ? [] : ['-XX:TieredStopAtLevel=1'])];
    return [
      ...(runAs === undefined ? [] : ['setpriv', '--reuid', `${runAs}`, '--regid', `${runAs}`, '--clear-groups']),
      'env',
      ...['-u', 'JAVA_HOME', '-u', 'JAVA_TOOL_OPTIONS'],
      `ES_JAVA_HOME=${this.#javaHome}`,
      `ES_PATH_CONF=${join(folder, 'conf')}`,
      `ES_TMPDIR=${join(folder, 'tmp')}`,
      `ES_JAVA_OPTS=${options.join(' ')}`,
      // The launcher only waits: it needs neither much memory nor to be compiled well.
      'CLI_JAVA_OPTS=-Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
      join(distribution, 'bin', 'elasticsearch'),
      ...['-p', this.#pidFile],
    ];
  }

  get #pidFile(): string {
    return join(this.#options.folder, 'pid');
  }

  #folder(name: string): string {
    const folder = join(this.#options.folder, name);
    mkdirSync(folder, { recursive: true });
    this.#give(folder);
    return folder;
  }

  #write(file: string, text: string): void {
    writeFileSync(file, text);
    this.#give(file);
  }

  #give(path: string): void {
    const { runAs } = this.#options;
    if (runAs !== undefined) chownSync(path, runAs, runAs);
  }

  #settings(): string {
    const { folder, port, transportPort, settings } = this.#options;
    const all: Record<string, string> = {
      'node.name': 'test',
      'path.data': join(folder, 'data'),
      'path.logs': join(folder, 'logs'),
      'path.repo': join(folder, 'repo'),
      'http.host': '127.0.0.1',
      'http.port': String(port),
      'transport.host': '127.0.0.1',
      'transport.port': String(transportPort),
      'discovery.type': 'single-node',
      'xpack.security.enabled': 'false',
      // Else a full disk makes indices read-only.
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      'action.destructive_requires_name': 'true',
      ...settings,
    };
    // A JSON string is one of YAML.
    return Object.entries(all)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
      .join('');
  }
}

/** Those of the distribution, without logs and dumps that are written into its own folder. */
const JVM_OPTIONS = `-XX:+UseSerialGC
-Djava.io.tmpdir=\${ES_TMPDIR}
-XX:+ExitOnOutOfMemoryError
`;

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c{1.})%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;
