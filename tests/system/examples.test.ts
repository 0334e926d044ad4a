import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startServer, type StartedServer } from '../product/server.js';

interface Example {
  readonly id: string;
  readonly flow: string;
  readonly files: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, string>>;
  /** Interpreters that it needs besides Node. */
  readonly requires: readonly string[];
  readonly expectedState: string;
  readonly report?: string;
}

interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** On a person's machine an example whose interpreter is missing is left out, and it is said; in CI all must run. */
function canRun({ id, requires }: Example): boolean {
  const missing = requires.filter((program) => spawnSync(program, ['--version']).status !== 0);
  if (missing.length === 0 || process.env['CI'] !== undefined) return true;
  process.stderr.write(`Left out: the example '${id}' needs ${missing.join(', ')}\n`);
  return false;
}

async function millrace(...words: readonly string[]): Promise<Finished> {
  const child = spawn(process.execPath, [resolve('apps/cli/dist/main.js'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describe('the examples', () => {
  let data: string;
  let server: StartedServer;
  let examples: readonly Example[];

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'millrace-examples-'));
    examples = JSON.parse(await readFile('examples/examples.json', 'utf8')) as readonly Example[];
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
      const options = [
        ...Object.entries(example.files).flatMap(([name, path]) => ['--file', `${name}=${join('examples', path)}`]),
        ...Object.entries(example.inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]),
      ];
      const { code, output } = await millrace('run', join('examples', example.flow), '--data', data, ...options);
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
