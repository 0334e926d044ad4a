import { missingForElasticsearch } from '../src/servers/index.js';

const isWanted = process.env['ADAPTERS']?.split(',').includes('elasticsearch') ?? true;

/** With CI=true a node that cannot be started is a failure; elsewhere its tests are left out, and say why. */
export function describeWithElasticsearch(name: string, tests: () => void): void {
  const missing = isWanted ? missingForElasticsearch() : 'ADAPTERS is without elasticsearch';
  if (missing === undefined || (isWanted && process.env['CI'] === 'true')) describe(name, tests);
  else describe.skip(`${name} (${missing})`, tests);
}
