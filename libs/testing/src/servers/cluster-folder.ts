import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, isFree } from './ports.js';
import { SECURITIES, type BrokerPorts, type Security } from './properties.js';

/** What the brokers of a cluster agree on, and what clients need to reach it. */
export interface Cluster {
  readonly clusterId: string;
  readonly security: Security;
  readonly brokers: readonly BrokerPorts[];
  readonly account: { readonly username: string; readonly password: string };
}

interface Kept {
  readonly clusterId: string;
  readonly security: Security;
  readonly password: string;
  /** Three for each broker. */
  readonly ports: readonly number[];
}

const FILE = 'cluster.json';
const PORTS_EACH = 3;

/** A cluster on ports that are free now, with a password of its own. */
export async function newCluster(brokers: number, security: Security): Promise<Cluster> {
  return clusterOf({
    clusterId: newClusterId(),
    security,
    password: randomBytes(12).toString('hex'),
    ports: await freePorts(PORTS_EACH * brokers),
  });
}

/**
 * The cluster whose data is in a folder, with the addresses and the password that it had, so that a configuration made
 * for it stays right; a new one when there is none. Ports that somebody else uses by now are replaced.
 * @throws Error when it was made with another number of brokers or another security: neither can be changed later
 */
export async function clusterIn(folder: string, brokers: number, security: Security): Promise<Cluster> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, FILE);
  const kept = existsSync(file) ? read(file) : undefined;
  if (kept === undefined) return save(file, await newCluster(brokers, security));
  const count = kept.ports.length / PORTS_EACH;
  if (count !== brokers || kept.security !== security)
    throw new Error(
      `'${folder}' holds the data of a cluster with ${count} brokers and security '${kept.security}', and cannot be used with ${brokers} and '${security}': ask for the same, or name another folder`,
    );
  const free = await Promise.all(kept.ports.map(isFree));
  if (free.every(Boolean)) return clusterOf(kept);
  return save(file, clusterOf({ ...kept, ports: await freePorts(kept.ports.length) }));
}

function clusterOf({ clusterId, security, password, ports }: Kept): Cluster {
  const brokers = Array.from({ length: ports.length / PORTS_EACH }, (_, at) => {
    const [client = 0, internal = 0, controller = 0] = ports.slice(at * PORTS_EACH);
    return { id: at + 1, client, internal, controller };
  });
  return { clusterId, security, brokers, account: { username: 'millrace', password } };
}

function save(file: string, cluster: Cluster): Cluster {
  const { clusterId, security, account, brokers } = cluster;
  const ports = brokers.flatMap(({ client, internal, controller }) => [client, internal, controller]);
  const kept: Kept = { clusterId, security, password: account.password, ports };
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
  return cluster;
}

function read(file: string): Kept {
  const damaged = `'${file}' is not as it was written: remove its folder, or name another one`;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(damaged, { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw new Error(damaged);
  const { clusterId, security, password, ports }: Partial<Record<keyof Kept, unknown>> = value;
  const known = SECURITIES.find((one) => one === security);
  if (typeof clusterId !== 'string' || typeof password !== 'string' || known === undefined || !arePorts(ports))
    throw new Error(damaged);
  return { clusterId, security: known, password, ports };
}

function arePorts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length % PORTS_EACH === 0 && value.every((port) => Number.isInteger(port));
}

/** 16 bytes as Kafka writes them; one that began with a dash would be read as an option. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}
