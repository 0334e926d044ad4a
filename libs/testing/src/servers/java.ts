import { spawnSync } from 'node:child_process';

const JAVA_LEAST = 17;

/**
 * Why no broker can be started on this machine, in one sentence with what to do; undefined when one can: Java 17 runs it,
 * Maven fetches it.
 */
export function missingForKafka(): string | undefined {
  if (process.platform === 'win32') return 'Test brokers need a Unix shell and its signals: use Linux, macOS or WSL';
  const java = javaVersion();
  if (java === undefined) return `A Kafka broker needs Java ${JAVA_LEAST} or newer, and there is none: install a JDK`;
  if (java < JAVA_LEAST)
    return `A Kafka broker needs Java ${JAVA_LEAST} or newer, and this is ${java}: install a newer JDK`;
  if (spawnSync('mvn', ['--version']).status !== 0)
    return 'Kafka is fetched with Maven, and there is none: install maven';
  return undefined;
}

/** The major version; undefined when there is no Java. */
function javaVersion(): number | undefined {
  const { status, stdout, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const [, version] = status === 0 ? (/version "(\d+)/.exec(`${stdout}${stderr}`) ?? []) : [];
  return version === undefined ? undefined : Number(version);
}
