import { spawnSync } from 'node:child_process';

const JAVA_LEAST = 17;

/**
 * Why no broker can be started on this machine, in one sentence with what to do; undefined when one can: Java 17 runs it,
 * Maven fetches it.
 */
export function missingForKafka(): string | undefined {
  return missingFor('A Kafka broker', 'Kafka');
}

/** As `missingForKafka`, of an Elasticsearch node. */
export function missingForElasticsearch(): string | undefined {
  const missing = missingFor('An Elasticsearch node', 'Elasticsearch');
  if (missing !== undefined) return missing;
  if (isRoot() && spawnSync('setpriv', ['--version']).status !== 0)
    return 'Elasticsearch refuses to run as root, and there is no setpriv to run it as somebody else: install util-linux, or be another user';
  return undefined;
}

/** Whether this process is root: some servers refuse to run as root. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/** The folder of the Java that is found first. @throws Error when there is none */
export function javaHome(): string {
  const { stderr, stdout } = spawnSync('java', ['-XshowSettings:properties', '-version'], { encoding: 'utf8' });
  const [, home] = /java\.home = (.+)/.exec(`${stdout}${stderr}`) ?? [];
  if (home === undefined) throw new Error('Java does not say where it is installed: install a JDK');
  return home.trim();
}

function missingFor(what: string, product: string): string | undefined {
  if (process.platform === 'win32') return 'Test servers need a Unix shell and its signals: use Linux, macOS or WSL';
  const java = javaVersion();
  if (java === undefined) return `${what} needs Java ${JAVA_LEAST} or newer, and there is none: install a JDK`;
  if (java < JAVA_LEAST) return `${what} needs Java ${JAVA_LEAST} or newer, and this is ${java}: install a newer JDK`;
  if (spawnSync('mvn', ['--version']).status !== 0)
    return `${product} is fetched with Maven, and there is none: install maven`;
  return undefined;
}

/** The major version; undefined when there is no Java. */
function javaVersion(): number | undefined {
  const { status, stdout, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const [, version] = status === 0 ? (/version "(\d+)/.exec(`${stdout}${stderr}`) ?? []) : [];
  return version === undefined ? undefined : Number(version);
}
