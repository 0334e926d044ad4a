import { defaultCacheFolder, startElasticsearch } from '@millrace/testing/servers';
import type { ElasticsearchServer } from '@millrace/testing/servers';
import { describeWithElasticsearch } from '../../testing/test/with-servers.js';
import { createIndexed, openIndexed } from './indexed.js';
import { describeRemoving } from './removing-cases.js';
import { describeRepository } from './repository-cases.js';
import { describeTriggers } from './triggers-cases.js';

// Fetching it, at the first time on a machine, takes the longest.
jest.setTimeout(420_000);

describeWithElasticsearch('on a real node', () => {
  let server: ElasticsearchServer | undefined;
  beforeAll(async () => {
    server = await startElasticsearch({ cacheFolder: defaultCacheFolder(process.env) });
  });
  afterAll(() => server?.stop());
  const url = (): string => server?.url ?? '';

  describeRepository('Elasticsearch', () => createIndexed(url));
  describeTriggers('Elasticsearch', () => createIndexed(url));
  describeRemoving('Elasticsearch', () => openIndexed(url()));
});
