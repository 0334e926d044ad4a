import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type StartedServer } from '../product/server.js';
import { EXAMPLES_OF_EXECUTIONS } from '../spec-examples/of-executions.js';
import { EXAMPLES_OF_TASKS, startEarly } from '../spec-examples/of-tasks.js';
import { Product } from '../spec-examples/product.js';

describe('the worked examples of the specification, embedded', () => {
  let data: string;
  let server: StartedServer;
  let product: Product;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'millrace-spec-examples-'));
    server = await startServer({ data });
    product = new Product(server.url);
    await product.saveFlows();
    await startEarly(product);
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  });

  it.each([...EXAMPLES_OF_TASKS, ...EXAMPLES_OF_EXECUTIONS])('%s', (_name, run) => run(product), 120_000);
});
