import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductClient, type ExecutionAnswer } from '../product/client.js';
import { startServer, type StartedServer } from '../product/server.js';

const YAML = 'application/x-yaml';
const flow = (tasks: string, more = ''): string => `id: bad\nnamespace: test\n${more}tasks:\n${tasks}\n`;
const log = '  - {id: a, type: core.log.Log, message: hello}';

describe('what cannot be right', () => {
  let data: string;
  let server: StartedServer;
  let client: ProductClient;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'millrace-bad-'));
    server = await startServer({ data });
    client = new ProductClient(server.url);
  }, 120_000);
  afterAll(async () => {
    client.close();
    expect(await server.stop()).toBe(0);
    await rm(data, { recursive: true, force: true });
  });

  const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h']
    .map(
      (name, index) =>
        `${name}: &${name} [${Array<string>(10)
          .fill(`*${String.fromCharCode(97 + index)}`)
          .join(', ')}]`,
    )
    .join('\n')}\n`;

  it.each([
    ['malformed YAML', 'id: x\n  namespace: : y', /\d+:\d+/],
    ['an unknown task type', flow('  - {id: a, type: core.log.Lgo, message: x}'), /did you mean core\.log\.Log/],
    ['an unknown property', flow('  - {id: a, type: core.log.Log, mesage: x}'), /mesage.*message/s],
    [
      'a template with a syntax error',
      flow('  - {id: a, type: core.log.Log, message: "{{ 1 + }}"}'),
      /4:50 tasks\[0\]\.message/,
    ],
    ['deep nesting', `id: x\nnamespace: test\nvariables: ${'['.repeat(100_000)}`, /nested/],
    ['a YAML bomb', flow(log, `variables:\n  ${bomb.replaceAll('\n', '\n  ').trimEnd()}\n`), /alias|expand|values/i],
    ['two tasks of one id', flow(`${log}\n${log}`), /'a'/],
    ['no tasks', 'id: x\nnamespace: test\ntasks: []', /tasks/],
  ])('%s is refused when the flow is saved, with the place', async (_name, text, message) => {
    const answer = await client.send('POST', '/flows', { type: YAML, text });
    expect(answer.status).toBe(422);
    expect((JSON.parse(answer.text) as { message: string }).message).toMatch(message);
  });

  const run = async (tasks: string, more = ''): Promise<{ execution: ExecutionAnswer; logs: string }> => {
    await client.save(flow(tasks, more));
    const execution = await client.start('bad', { wait: true });
    const { text } = await client.send('GET', `/logs/${execution.id}?minLevel=WARN`);
    return { execution, logs: text };
  };

  it.each([
    [
      'an endless expression',
      '  - {id: a, type: core.log.Log, message: "{% for i in 1..999999999 %}x{% endfor %}"}',
      /limit|range|more than/i,
    ],
    [
      'an expression that doubles text',
      `  - {id: a, type: core.debug.Return, format: "{% set x = 'xxxxxxxxxx' %}${'{% set x = x ~ x %}'.repeat(40)}{{ x }}"}`,
      /limit|longer|characters/i,
    ],
    ['an unknown variable', '  - {id: a, type: core.log.Log, message: "{{ inputs.nope }}"}', /nope/],
    [
      'a script that leaves its working directory',
      '  - {id: a, type: scripts.shell.Script, inputFiles: {"../../escape.txt": x}, script: "true"}',
      /escape|outside|working directory/i,
    ],
    [
      'an output file outside of it',
      '  - {id: a, type: scripts.shell.Script, outputFiles: ["../../../../etc/passwd"], script: "true"}',
      /\.\.|outside|working directory/i,
    ],
    [
      'a file of somebody else',
      '  - {id: a, type: scripts.shell.Script, inputFiles: {x: "kestra:///other/_files/secret.txt"}, script: "true"}',
      /other|not|found/i,
    ],
    [
      'a storage path with ..',
      "  - {id: a, type: scripts.shell.Script, inputFiles: {x: 'kestra:///test/../../../etc/passwd'}, script: 'true'}",
      /\.\.|URI|valid/i,
    ],
    ['a script that fails', '  - {id: a, type: scripts.shell.Script, script: "exit 3"}', /3/],
    [
      'a script that ignores SIGTERM',
      `  - {id: a, type: scripts.shell.Script, timeout: PT1S, script: "trap '' TERM; while true; do sleep 0.1; done"}`,
      /timed out|PT1S/i,
    ],
    [
      'an interpreter that is not there',
      '  - {id: a, type: scripts.shell.Script, interpreter: ["/no/such/shell"], script: "true"}',
      /no\/such\/shell/,
    ],
    ['a request to nobody', '  - {id: a, type: core.http.Request, uri: "http://127.0.0.1:1/"}', /127\.0\.0\.1/],
  ])(
    '%s fails its task with a sentence',
    async (_name, tasks, message) => {
      const { execution, logs } = await run(tasks);
      expect(execution.state.current).toBe('FAILED');
      expect(execution.taskRunList?.map(({ taskId, state }) => `${taskId}:${state.current}`)).toEqual(['a:FAILED']);
      expect(logs).toMatch(message);
      expect(logs).not.toMatch(/node_modules|at .*\.js:\d+/);
    },
    60_000,
  );

  it('a script that floods its output is cut, and says so', async () => {
    const { execution, logs } = await run(
      '  - {id: a, type: scripts.shell.Script, script: "yes flood | head -n 300000"}',
    );
    expect(execution.state.current).toBe('SUCCESS');
    expect(logs).toMatch(/100,?000/);
  }, 120_000);

  it('wrong inputs are refused, all at once', async () => {
    const inputs = 'inputs:\n  - {id: n, type: INT, min: 1}\n  - {id: d, type: DATE}\n';
    await client.save(flow(log, inputs));
    const answer = await client.send('POST', '/executions/test/bad', {
      type: 'application/json',
      text: '{"n": 0, "d": "tomorrow"}',
    });
    expect(answer.status).toBe(422);
    const { _embedded } = JSON.parse(answer.text) as { _embedded: { errors: readonly { path: string }[] } };
    expect(_embedded.errors.map(({ path }) => path).sort()).toEqual(['d', 'n']);
  });

  it('after all that the server is well, and nothing answered 500', async () => {
    await client.save(flow(log));
    expect((await client.start('bad', { wait: true })).state.current).toBe('SUCCESS');
    expect(server.output()).not.toMatch(/"level":50/);
  });
});
