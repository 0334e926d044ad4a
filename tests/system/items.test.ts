import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type StartedServer } from '../product/server.js';
import { Product, runOf } from '../spec-examples/product.js';

const ITEMS = 3_000;
/** Only against hanging. */
const LIMIT_MS = 300_000;

const FLOWS = [
  `id: one_item
namespace: demo
inputs: [{id: f, type: FILE}, {id: at, type: INT}]
tasks: [{id: only, type: core.debug.Return, format: "{{ inputs.at }}"}]
outputs: [{id: at, type: INT, value: "{{ outputs.only.value }}"}]
`,
  `id: many_items
namespace: demo
tasks:
  - {id: file, type: core.storage.Write, extension: .txt, content: "{% for line in range(1, ${ITEMS}) %}{{ line }}\\n{% endfor %}"}
  - id: each
    type: core.flow.ForEachItem
    items: "{{ outputs.file.uri }}"
    namespace: demo
    flowId: one_item
    inputs: {f: "{{ taskrun.items }}", at: "{{ taskrun.iteration }}"}
  - {id: merged, type: core.storage.Size, uri: "{{ outputs.each_merge.subflowOutputs }}"}
`,
];

describe('a ForEachItem over more items than run at a time', () => {
  let data: string;
  let server: StartedServer;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'millrace-items-'));
    server = await startServer({ data });
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  });

  it(
    'starts one execution for each, counts each once, and merges what all of them give',
    async () => {
      const product = new Product(server.url);
      for (const flow of FLOWS) {
        const answer = await product.send('POST', '/flows', flow, 'application/x-yaml');
        expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
      }
      const execution = await product.ended((await product.start('many_items')).id, LIMIT_MS);
      expect(execution.state.current).toBe('SUCCESS');
      expect(runOf(execution, 'each_items').outputs).toMatchObject({
        numberOfBatches: ITEMS,
        iterations: { CREATED: 0, RUNNING: 0, SUCCESS: ITEMS },
      });
      // A line for each item; each index is there, or the length would be another.
      const lines = Array.from({ length: ITEMS }, (_, at) => `{"at":${at}}\n`);
      expect(runOf(execution, 'merged').outputs).toMatchObject({ size: lines.join('').length });
      const search = await product.send('GET', '/executions/search?size=1&filters[flowId][EQUALS]=one_item');
      expect(((await search.json()) as { total: number }).total).toBe(ITEMS);
    },
    LIMIT_MS,
  );
});
