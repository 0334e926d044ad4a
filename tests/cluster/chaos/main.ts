import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  missingForElasticsearch,
  missingForKafka,
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
} from '@millrace/testing/servers';
import { runOutage } from './outage.js';
import { isGood, textOf } from './report.js';
import { runChaos } from './run.js';

/** `npm run chaos`: a cluster under load whose servers are killed; what lies in the topics and in the index afterwards. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    json: { type: 'string' },
    brokers: { type: 'string', default: '3' },
    'per-second': { type: 'string', default: '4' },
    /** Seconds between two faults, on average. */
    every: { type: 'string', default: '4' },
    'without-index': { type: 'boolean', default: false },
    /** Minutes for which Elasticsearch is stopped under load, and nothing else is done. */
    outage: { type: 'string' },
  },
});

function numberOf(name: 'minutes' | 'seed' | 'per-second' | 'every' | 'outage'): number {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number > 0) return number;
  process.stderr.write(`--${name} must be a number above 0, not '${values[name]}'\n`);
  process.exit(2);
}

const tell = (line: string): void => void process.stdout.write(`${line}\n`);
const hasIndex = !values['without-index'];
const missing = missingForKafka() ?? (hasIndex ? missingForElasticsearch() : undefined);
if (missing !== undefined) {
  process.stderr.write(`${missing}\n`);
  process.exit(2);
}
const durationMs = numberOf('minutes') * 60_000;
const isOutage = values.outage !== undefined;
const kafka = await startKafka({ brokers: values.brokers === '1' || isOutage ? 1 : 3 });
let elasticsearch: ElasticsearchServer | undefined;
try {
  if (hasIndex) elasticsearch = await startElasticsearch({ heapMb: 512 });
  const common = { kafka, seed: numberOf('seed'), perSecond: numberOf('per-second'), tell };
  if (isOutage) {
    if (elasticsearch === undefined) throw new Error('--outage needs Elasticsearch: leave --without-index out');
    const report = await runOutage({ ...common, elasticsearch, outageMs: numberOf('outage') * 60_000 });
    finish(report, report.text, report.shortcomings.length === 0);
  } else {
    const report = await runChaos({
      ...common,
      ...(elasticsearch === undefined ? {} : { elasticsearch }),
      durationMs,
      everyMs: numberOf('every') * 1_000,
      outageMs: Math.min(60_000, durationMs / 4),
    });
    finish(report, textOf(report), isGood(report));
  }
} finally {
  await Promise.all([kafka.stop(), elasticsearch?.stop()]);
}

function finish(report: object, text: string, good: boolean): void {
  process.stdout.write(`\n${text}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = good ? 0 : 1;
}
