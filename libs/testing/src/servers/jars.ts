import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Tried versions; a range would pick one of which a part is missing. */
const KAFKA_VERSION = '4.3.1';
const DEPENDENCIES = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
  // Without a binding the broker runs and logs nothing, and nobody learns that it is ready.
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4'],
] as const;
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const FETCH_TIMEOUT_MS = 300_000;

/** Where fetched servers are kept between runs. */
export const defaultCacheFolder = (): string => join(homedir(), '.cache', 'millrace', 'servers');

const projectOf = (): string => {
  const dependencies = DEPENDENCIES.map(
    ([group, name, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`,
  ).join('');
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>servers</artifactId><version>1</version><dependencies>${dependencies}</dependencies></project>`;
};

/**
 * The folder with the broker's jars; fetched at the first call on a machine. Safe in several processes at once: each
 * fetches into a folder of its own, and the first that is done gives it its name.
 * @throws Error with Maven's own last lines
 */
export async function kafkaJars(cacheFolder = defaultCacheFolder()): Promise<string> {
  const folder = join(cacheFolder, `kafka-${KAFKA_VERSION}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'fetching-'));
  try {
    writeFileSync(join(work, 'pom.xml'), projectOf());
    const jars = join(work, 'jars');
    const args = ['-B', '-q', COPY, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`];
    await run('mvn', args, { cwd: work, timeout: FETCH_TIMEOUT_MS }).catch((error: unknown) => {
      throw new Error(`Kafka ${KAFKA_VERSION} could not be fetched with Maven: ${lastLines(error)}`, { cause: error });
    });
    try {
      renameSync(jars, folder);
    } catch (error) {
      // Another process was first.
      if (!existsSync(folder)) throw error;
    }
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function lastLines(error: unknown): string {
  const output = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : '';
  return output.trim().split('\n').slice(-5).join('\n') || String(error);
}
