import { missingForElasticsearch, missingForKafka } from '../src/servers/index.js';

/** With CI=true a server that cannot be started is a failure; elsewhere its tests are left out, and say why. */
export function describeWithServer(missing: string | undefined, name: string, tests: () => void): void {
  if (missing === undefined || process.env['CI'] === 'true') describe(name, tests);
  else describe.skip(`${name} (${missing})`, tests);
}

/** Of contract tests, which ADAPTERS chooses among; without it all are run. */
function describeAdapter(adapter: string, missing: () => string | undefined, name: string, tests: () => void): void {
  const isWanted = process.env['ADAPTERS']?.split(',').includes(adapter) ?? true;
  if (isWanted) describeWithServer(missing(), name, tests);
  else describe.skip(`${name} (ADAPTERS is without ${adapter})`, tests);
}

/** Contract tests that need a real broker. */
export const describeWithKafka = (name: string, tests: () => void): void =>
  describeAdapter('kafka', missingForKafka, name, tests);

/** Contract tests that need a real node. */
export const describeWithElasticsearch = (name: string, tests: () => void): void =>
  describeAdapter('elasticsearch', missingForElasticsearch, name, tests);
