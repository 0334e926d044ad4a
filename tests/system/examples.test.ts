import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canRun, millrace, readExamples, runWords, type Example } from '../product/examples.js';
import { startServer, type StartedServer } from '../product/server.js';

describe('the examples', () => {
  let data: string;
  let server: StartedServer;
  let examples: readonly Example[];

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'millrace-examples-'));
    examples = await readExamples();
    server = await startServer({ data });
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  });

  it('are valid', async () => {
    const { code, output } = await millrace('validate', 'examples');
    expect({ code, output }).toMatchObject({ code: 0 });
  }, 60_000);

  it('run on a server and end as they say', async () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const example of examples.filter(canRun)) {
      const { code, output } = await millrace(...runWords(example, data));
      expect(output).toContain(example.expectedState);
      expect({ example: example.id, code, output }).toMatchObject({ code: 0 });
    }
  }, 120_000);

  it('the first one shows its tasks live, its log, its outputs and its report', async () => {
    const [first] = examples;
    if (!first?.report) throw new Error('The first example has no report');
    const files = Object.entries(first.files).flatMap(([name, path]) => [
      '--file',
      `${name}=${join('examples', path)}`,
    ]);
    const { output } = await millrace('run', join('examples', first.flow), '--data', data, ...files);
    expect(output).toMatch(/RUNNING +\w+/);
    expect(output).toMatch(/SUCCESS +\w+.* ms|SUCCESS +\w+.* s/);
    expect(output).toMatch(/INFO +\w+/);
    expect(output).toContain('Outputs of tasks');
    expect(output).toContain('report.md');
  }, 60_000);

  it('a run without a server starts one for itself', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'millrace-alone-'));
    const { code, output } = await millrace(
      'run',
      'examples/core-only/flow.yml',
      '--data',
      alone,
      '--input',
      'name=Ada',
    );
    expect(output).toContain('WARNING');
    expect(code).toBe(0);
    await rm(alone, { recursive: true, force: true });
  }, 60_000);
});
