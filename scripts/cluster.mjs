// `npm run cluster`: Kafka, Elasticsearch and two of every server on this machine; the examples are loaded, the first one
// runs through the cluster, and where to look is printed.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadExamples, readExamples, runExample } from './examples.mjs';
import { ROOT, buildWhenNeeded, checkNodeVersion, fail, installWhenNeeded } from './setup.mjs';

const HELP = `npm run cluster -- [options]

  --port <number>         TCP port of the first webserver (default 8080); 0 takes a free one
  --data <folder>         data of Kafka, Elasticsearch and the servers (default ./.millrace-cluster)
  --auth <user:password>  the first account; default: admin with a generated password, shown once
  --brokers <1|3>         brokers of Kafka (default 1); a data folder keeps its number
  --without-index         no Elasticsearch: each webserver keeps a copy for lists and searches
  --exit                  stop after the first example, with 0 when it succeeded and 1 when not

Needs Java 17 or newer and Maven, which fetches Kafka and Elasticsearch at the first start.
`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8080' },
        data: { type: 'string', default: join(ROOT, '.millrace-cluster') },
        auth: { type: 'string' },
        brokers: { type: 'string', default: '1' },
        'without-index': { type: 'boolean', default: false },
        exit: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (!['1', '3'].includes(values.brokers)) throw new Error(`--brokers must be 1 or 3, not '${values.brokers}'`);
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535)
      throw new Error(`--port must be a number from 0 to 65535, not '${values.port}'`);
    return values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`, 2);
  }
}

function loginText({ login, isGenerated }) {
  if (isGenerated) return `${login.username} / ${login.password}   (shown only this once)`;
  return `as ${login.username}; commands on this machine use the password in credentials.json of the data folder`;
}

function whereToLook(cluster, dataFolder) {
  const of = (role) => cluster.servers.filter(({ name }) => name.startsWith(role));
  const others = cluster.servers.filter(({ name }) => !name.startsWith('webserver'));
  const rows = [
    ['Open', cluster.urls.join('  or  ')],
    ['Log in', loginText(cluster)],
    [
      'Metrics',
      of('webserver')
        .map(({ name, url }) => `${name} ${url}/metrics`)
        .join('  '),
    ],
    ...others.map(({ name, url }) => ['', `${name} ${url}/metrics`]),
    ['Kafka', cluster.kafka.join(', ')],
    ...(cluster.elasticsearch ? [['Elasticsearch', cluster.elasticsearch]] : []),
    ['Logs', cluster.logs],
    ['Settings', cluster.config],
    ['Run more', `node apps/cli/dist/main.js run examples/core-only/flow.yml --data ${dataFolder}`],
    ['Stop', 'Ctrl+C; what is in the data folder is there again at the next start'],
  ];
  return `\n${rows.map(([name, value]) => `  ${name.padEnd(14)} ${value}`).join('\n')}\n\n`;
}

checkNodeVersion();
const options = readOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
installWhenNeeded();
buildWhenNeeded();
const { startLocalCluster } = await import('../tests/dist/product/local-cluster.js');
const { defaultCacheFolder } = await import('../libs/testing/dist/servers/index.js');

const dataFolder = resolve(options.data);
let cluster;
let stopping;
/** Every process ends with this one, so a second Ctrl+C leaves nothing behind either. */
function stop(code) {
  if (stopping !== undefined || cluster === undefined) process.exit(code);
  process.stdout.write('Stopping …\n');
  stopping = cluster.stop().then(
    () => process.exit(code),
    (error) => fail(`Not everything stopped in order: ${error.message}`),
  );
  return stopping;
}
process.on('SIGINT', () => stop(0));
process.on('SIGTERM', () => stop(0));

cluster = await startLocalCluster({
  dataFolder,
  brokers: Number(options.brokers),
  port: Number(options.port),
  cacheFolder: defaultCacheFolder(process.env),
  hasIndex: !options['without-index'],
  tell: (what) => process.stdout.write(`${what}\n`),
  ...(options.auth === undefined ? {} : { account: options.auth }),
}).catch((error) => fail(error.message));
cluster.failed.then((name) => {
  if (stopping !== undefined) return;
  process.stderr.write(`${name} has ended by itself: see ${join(cluster.logs, `${name}.log`)}\n`);
  void stop(1);
});

const server = ['--server', cluster.urls[0], '--data', dataFolder];
const examples = readExamples();
const isLoaded = await loadExamples(examples, server);
const code = isLoaded && stopping === undefined ? await runExample(examples[0], server) : 1;
if (options.exit) await stop(code === 0 ? 0 : 1);
else if (stopping === undefined) process.stdout.write(whereToLook(cluster, dataFolder));
