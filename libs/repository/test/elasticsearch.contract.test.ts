import { defaultCacheFolder, missingForElasticsearch, startElasticsearch } from '@millrace/testing/servers';
import type { ElasticsearchServer } from '@millrace/testing/servers';
import { createIndexed, openIndexed } from './indexed.js';
import { describeRemoving } from './removing-cases.js';
import { describeRepository } from './repository-cases.js';
import { describeTriggers } from './triggers-cases.js';

// Fetching it, at the first time on a machine, takes the longest.
jest.setTimeout(420_000);

const isWanted = process.env['ADAPTERS']?.split(',').includes('elasticsearch') ?? true;
const missing = isWanted ? missingForElasticsearch() : 'ADAPTERS is without elasticsearch';
const tests = (): void => {
  let server: ElasticsearchServer | undefined;
  beforeAll(async () => {
    server = await startElasticsearch({ cacheFolder: defaultCacheFolder(process.env) });
  });
  afterAll(() => server?.stop());
  const url = (): string => server?.url ?? '';

  describeRepository('Elasticsearch', () => createIndexed(url));
  describeTriggers('Elasticsearch', () => createIndexed(url));
  describeRemoving('Elasticsearch', () => openIndexed(url()));
};

// With CI=true a node that cannot be started is a failure; elsewhere its tests are left out, and say why.
if (missing === undefined || (isWanted && process.env['CI'] === 'true')) describe('on a real node', tests);
else describe.skip(`on a real node (${missing})`, tests);
