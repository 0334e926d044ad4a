import { startKafka } from '@millrace/testing/servers';
import { joinNewer, replaceOlder } from './rolling-upgrade.js';

/** Mixes two built versions in both orders on a broker of its own. @returns whether nothing was lost or doubled */
export async function mixVersions(versions: {
  readonly older: string;
  readonly newer: string;
  readonly seconds: number;
}): Promise<boolean> {
  const servers = await startKafka();
  try {
    const options = { brokers: servers.addresses, ...versions };
    const findings = [await replaceOlder(options), await joinNewer(options)];
    return findings.every(({ violations, acknowledged }) => violations.length === 0 && acknowledged > 0);
  } finally {
    await servers.stop();
  }
}
