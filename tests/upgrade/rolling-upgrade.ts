import { pause } from '../product/workload.js';
import type { Cluster, Role } from '../product/cluster.js';
import { findingsAfter, tell, type Run } from '../cluster/findings.js';
import { announcedBelow, clusterRecords } from '../cluster/levels.js';
import { readTopics } from '../cluster/topics.js';

export interface UpgradeOptions {
  readonly brokers: readonly string[];
  /** The command lines of the two versions, built. */
  readonly older: string;
  readonly newer: string;
  /** How long the cluster works before, between and after the changes, in all. */
  readonly seconds: number;
}

/** What came of one order of mixing. */
export interface UpgradeFindings {
  readonly violations: readonly string[];
  readonly acknowledged: number;
  /** The sentences of servers that did not start. */
  readonly refusals: readonly string[];
  /** Levels that the cluster came to, in order. */
  readonly levels: readonly number[];
}

const ROLES: readonly Role[] = ['executor', 'worker', 'scheduler', 'webserver'];
const SIZE = { executors: 2, workers: 2, schedulers: 1, webservers: 2 } as const;
/** How long the servers may take to agree, once all of them are of the newer version. */
const AGREEMENT_MS = 60_000;

/** Servers of the older version under load, replaced by newer ones one after the other, role by role. */
export const replaceOlder = (options: UpgradeOptions): Promise<UpgradeFindings> =>
  upgrade('older servers, replaced by newer ones', options, options.older, async ({ cluster }, rest, look) => {
    await rest();
    cluster.startWith(options.newer);
    for (const role of ROLES) {
      for (const member of cluster.of(role)) {
        look();
        await member.stop();
        await member.start();
      }
      await rest();
    }
    return [];
  });

/** Servers of the newer version under load, joined by older ones. */
export const joinNewer = (options: UpgradeOptions): Promise<UpgradeFindings> =>
  upgrade('newer servers, joined by older ones', options, options.newer, async ({ cluster }, rest) => {
    await rest();
    cluster.startWith(options.older);
    const refusals: string[] = [];
    for (const role of ROLES) {
      refusals.push(...(await join(cluster, role)));
      await rest();
    }
    return refusals;
  });

async function join(cluster: Cluster, role: Role): Promise<readonly string[]> {
  try {
    await cluster.add(role);
    return [];
  } catch (thrown) {
    const printed = thrown instanceof Error ? thrown.message : String(thrown);
    const sentence = printed.split('\n').find((line) => line.includes('format level'));
    // Anything else is no refusal, but a version that does not work.
    if (sentence === undefined) throw thrown;
    return [`${role}: ${sentence}`];
  }
}

async function upgrade(
  what: string,
  { brokers, seconds }: UpgradeOptions,
  main: string,
  mix: (run: Run, rest: () => Promise<void>, look: () => void) => Promise<readonly string[]>,
): Promise<UpgradeFindings> {
  let refusals: readonly string[] = [];
  let levels: readonly number[] = [];
  const early = new Set<string>();
  const outcome = await findingsAfter(brokers, { ...SIZE, main }, async (run) => {
    const reader = await readTopics(brokers, run.cluster.prefix, ['resources', 'services']);
    const levelsNow = (): readonly number[] => clusterRecords(reader.records).map(({ format }) => format);
    const look = (): void => {
      const left = announcedBelow(reader.records, levelsNow().at(-1) ?? 1);
      if (left.length > 0) early.add(`The level rose to ${levelsNow().join()} beside ${left.join()}`);
    };
    try {
      refusals = await mix(run, () => pause((seconds * 1_000) / (ROLES.length + 1)), look);
      const since = Date.now();
      await reader.until(() => levelsNow().length > 0 || Date.now() - since > AGREEMENT_MS);
      levels = levelsNow();
    } finally {
      await reader.close();
    }
  });
  tell(what, outcome);
  const shown = levels.length === 0 ? '1' : `1, ${levels.join(', ')}`;
  process.stdout.write(`${what}: format levels ${shown}; ${refusals.length} servers refused to start\n`);
  for (const sentence of refusals) process.stdout.write(`  ${sentence}\n`);
  const violations = [...early, ...outcome.findings.violations];
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  return {
    violations,
    acknowledged: outcome.load.acknowledged.size,
    refusals,
    levels,
  };
}
