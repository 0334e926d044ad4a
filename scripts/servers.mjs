// Real servers for tries on this machine: `npm run servers -- kafka [--brokers 3] [--security plain|scram-sha-512|tls]
// [--data DIR] [--verbose]`, `npm run servers -- elasticsearch [--data DIR] [--verbose]`. Fetched at the first time, cached,
// stopped with Ctrl+C. With --data the next start has the same data, addresses and password.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCacheFolder, startElasticsearch, startKafka } from '../libs/testing/dist/servers/index.js';
import { fail } from './setup.mjs';

const USAGE = `npm run servers -- kafka [--brokers 1|3] [--security none|plain|scram-sha-512|tls] [--data DIR] [--verbose]
npm run servers -- elasticsearch [--data DIR] [--verbose]`;
const NAMES = { kafka: 'Kafka', elasticsearch: 'Elasticsearch' };

function optionsOf() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        brokers: { type: 'string', default: '1' },
        security: { type: 'string', default: 'none' },
        data: { type: 'string' },
        verbose: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    fail(`${error.message}\n${USAGE}`, 2);
  }
  const { values, positionals } = parsed;
  const [which] = positionals;
  if (positionals.length !== 1 || !Object.hasOwn(NAMES, which)) fail(`Which servers?\n${USAGE}`, 2);
  if (!['1', '3'].includes(values.brokers)) fail(`--brokers must be 1 or 3, not '${values.brokers}'`, 2);
  if (!['none', 'plain', 'scram-sha-512', 'tls'].includes(values.security))
    fail(`--security must be none, plain, scram-sha-512 or tls, not '${values.security}'`, 2);
  return { ...values, which };
}

/** What a server needs in its millrace.yml. */
function configurationOf({ addresses, brokers, credentials, certificateAuthority }, { security, folder }) {
  const lines = ['queue:', '  type: kafka', 'kafka:', `  brokers: [${addresses.map((one) => `'${one}'`).join(', ')}]`];
  if (brokers.length === 3) lines.push('  replication-factor: 3');
  if (credentials) {
    lines.push('  sasl:', `    mechanism: ${security}`, `    username: '${credentials.username}'`);
    lines.push(`    password: '${credentials.password}'`);
  }
  if (certificateAuthority) {
    const file = join(folder, 'broker-ca.pem');
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, certificateAuthority);
    lines.push('  ssl:', '    enabled: true', `    ca: '${file.replaceAll("'", "''")}'`);
  }
  return lines.join('\n');
}

const { which, brokers, security, data, verbose } = optionsOf();
const name = NAMES[which];
const folder = resolve(data ?? '.millrace');
const place = {
  cacheFolder: defaultCacheFolder(process.env),
  ...(data === undefined ? {} : { dataFolder: folder }),
  ...(verbose ? { log: (line) => process.stdout.write(`${line}\n`) } : {}),
};

/** Answers where it runs, what a millrace.yml needs, and how it is stopped. */
async function start() {
  if (which === 'elasticsearch') {
    const { url, stop } = await startElasticsearch(place);
    const configuration = `repository:\n  type: elasticsearch\nelasticsearch:\n  nodes: ['${url}']\n  replicas: 0`;
    return { addresses: [url], configuration, stop };
  }
  const started = await startKafka({ brokers: Number(brokers), security, ...place });
  const configuration = configurationOf(started, { security, folder });
  return { addresses: started.addresses, configuration, stop: started.stop };
}

let servers;
let stopping;
for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
  process.on(signal, () => {
    // What is starting ends with this process.
    if (servers === undefined) process.exit(code);
    stopping ??= servers.stop().then(() => process.exit(0));
  });
}

process.stdout.write(`Starting ${name}; the first time on a machine it is fetched, which may take a minute …\n`);
servers = await start().catch((error) => fail(error.message));

process.stdout.write(`
${name} runs on ${servers.addresses.join(', ')}. For Millrace, in millrace.yml:

${servers.configuration}

Stop with Ctrl+C.
`);
// Nothing is left to wait for: every server has ended by itself.
process.on('beforeExit', () => {
  if (stopping === undefined) fail(`${name} has ended by itself: start it again with --verbose to see why`);
});
