import { cpSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isRoot } from './java.js';
import { madeOnce } from './made-once.js';
import { runSupervised } from './supervised-process.js';

/** Tried; the last one of this major version that is published in this form. */
const VERSION = '8.19.21';
/** The distribution that Elastic publishes for tests: the server and its security, without the other modules. */
const ARTIFACT = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSION}:zip`;
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack';
const FETCH_MS = 300_000;
const PROJECT =
  '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>servers</artifactId><version>1</version><packaging>pom</packaging></project>';

/**
 * The folder of the Elasticsearch distribution, fetched at the first call on a machine. Safe in several processes at once.
 * @throws Error with Maven's own last lines
 */
export async function installElasticsearch(cacheFolder: string): Promise<string> {
  const name = `elasticsearch-${VERSION}`;
  const cached = await madeOnce(join(cacheFolder, name), fetchDistribution);
  if (!isRoot() || isOpenToAll(cached)) return join(cached, name);
  // Root's home is closed to the user that the node runs as.
  const copied = await madeOnce(join(tmpdir(), `millrace-${name}`), async (work) =>
    cpSync(cached, work, { recursive: true }),
  );
  return join(copied, name);
}

async function fetchDistribution(work: string): Promise<void> {
  writeFileSync(join(work, 'pom.xml'), PROJECT);
  const purpose = `Elasticsearch ${VERSION} could not be fetched (can Maven reach the repository in its settings?)`;
  const command = ['mvn', '-B', '-q', UNPACK, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${work}`];
  await runSupervised(purpose, command, work, AbortSignal.timeout(FETCH_MS));
}

/** True when every user may enter the folder and all those above it. */
export function isOpenToAll(folder: string): boolean {
  const parent = dirname(folder);
  return (statSync(folder).mode & 0o001) !== 0 && (parent === folder || isOpenToAll(parent));
}
