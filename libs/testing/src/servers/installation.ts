import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Broker, type Installation } from './broker.js';
import { newCluster } from './cluster-folder.js';
import { madeOnce } from './made-once.js';
import { runSupervised } from './supervised-process.js';

/** Tried versions; a range would pick one of which a part is missing. */
const KAFKA_VERSION = '4.3.1';
const DEPENDENCIES = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
  // Without a binding the broker runs and logs nothing, and nobody learns that it is ready.
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4'],
] as const;
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const FETCH_MS = 300_000;
const ARCHIVE_MS = 120_000;
const ARCHIVE = 'broker.jsa';

/**
 * Where fetched servers are kept between runs: in the user's cache folder, which is `$XDG_CACHE_HOME` where that is an
 * absolute path, else `~/.cache`.
 * @param environment of the process, from those who may read it
 */
export function defaultCacheFolder(environment: Readonly<Record<string, string | undefined>> = {}): string {
  const { XDG_CACHE_HOME: named = '' } = environment;
  return join(isAbsolute(named) ? named : join(homedir(), '.cache'), 'millrace', 'servers');
}

/**
 * Kafka's jars, fetched at the first call on a machine, and an archive of the classes that a broker loads, which halves
 * the time of its start. Safe in several processes at once.
 * @throws Error with Maven's own last lines. Without the archive brokers start as well: then `log` is told why.
 */
export async function installKafka(cacheFolder: string, log: (line: string) => void): Promise<Installation> {
  const jars = await madeOnce(join(cacheFolder, `kafka-${KAFKA_VERSION}`), fetchJars);
  try {
    const folder = join(cacheFolder, `kafka-${KAFKA_VERSION}-classes-${javaIdentity()}`);
    const archives = await madeOnce(folder, (work) => archiveClasses(jars, join(work, ARCHIVE)));
    return { jars, classArchive: join(archives, ARCHIVE) };
  } catch (error) {
    log(`Brokers start more slowly, without an archive of their classes: ${String(error)}`);
    return { jars };
  }
}

async function fetchJars(work: string): Promise<void> {
  writeFileSync(join(work, 'pom.xml'), project());
  const purpose = `Kafka ${KAFKA_VERSION} could not be fetched (can Maven reach the repository in its settings?)`;
  const command = ['mvn', '-B', '-q', COPY, '-DincludeScope=runtime', `-DoutputDirectory=${work}`];
  await runSupervised(purpose, command, work, AbortSignal.timeout(FETCH_MS));
}

function project(): string {
  const dependencies = DEPENDENCIES.map(
    ([group, name, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`,
  ).join('');
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>servers</artifactId><version>1</version><dependencies>${dependencies}</dependencies></project>`;
}

/** An archive fits one build of Java only; with another one it would be ignored, and made never again. */
function javaIdentity(): string {
  const { stdout, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return createHash('sha256').update(`${stdout}${stderr}`).digest('hex').slice(0, 12);
}

/** Starts a broker once and stops it: what it loaded by then is written at its exit. */
async function archiveClasses(jars: string, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-classes-'));
  const limit = AbortSignal.timeout(ARCHIVE_MS);
  try {
    const broker = new Broker(await newCluster(1, 'none'), 1, folder, { jars, archiveTo: file }, {});
    await broker.format(limit);
    await broker.start([1], limit);
    await broker.stop(ARCHIVE_MS);
    if (!existsSync(file)) throw new Error('Java wrote no archive');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
