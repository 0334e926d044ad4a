import { parseArgs } from 'node:util';
import { startKafka } from '@millrace/testing/servers';
import { runSchedules } from '../cluster/run-schedules.js';
import { percentile } from '../cluster/ticks.js';

/** `npm run schedules`: schedules that are due each second, and a scheduler killed again and again, on a real broker. */
const { values } = parseArgs({
  options: {
    flows: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '120' },
    'kill-every': { type: 'string', default: '10' },
  },
});

const servers = await startKafka();
try {
  const findings = await runSchedules({
    brokers: servers.addresses,
    flows: Number(values.flows),
    seconds: Number(values.seconds),
    killEveryMs: Number(values['kill-every']) * 1_000,
  });
  const { ticks, executions, kills, late, violations } = findings;
  process.stdout.write(
    `${ticks} dates were due, ${executions} executions came of them, ${kills} schedulers were killed\n` +
      `late: p50 ${percentile(late, 0.5)} ms, p90 ${percentile(late, 0.9)} ms, p99 ${percentile(late, 0.99)} ms, at most ${late.at(-1) ?? 0} ms\n` +
      `${violations.length} lost or doubled${violations.length === 0 ? '' : `:\n${violations.slice(0, 20).join('\n')}`}\n`,
  );
  process.exitCode = violations.length === 0 && ticks > 0 ? 0 : 1;
} finally {
  await servers.stop();
}
