import { failure, run, TestContext } from './support.js';

describe('A script', () => {
  it('logs its output, counts its lines and gives its exit code', async () => {
    const context = new TestContext();
    const { outputs } = await run(context, {
      type: 'scripts.shell.Commands',
      commands: ['echo one', 'echo two >&2', 'printf three'],
    });
    expect(outputs).toEqual({ exitCode: 0, vars: {}, outputFiles: {}, stdOutLineCount: 2, stdErrLineCount: 1 });
    expect(context.messages('INFO')).toEqual(['one', 'three']);
    expect(context.messages('ERROR')).toEqual(['two']);
  });

  it.each([
    ['shell', 'for i in 1 2; do echo "line $i"; done'],
    ['python', 'for i in (1, 2):\n  print("line", i)'],
    ['node', 'for (const i of [1, 2]) console.log("line", i);'],
  ])('runs in %s', async (language, script) => {
    const context = new TestContext();
    await run(context, { type: `scripts.${language}.Script`, script });
    expect(context.messages('INFO')).toEqual(['line 1', 'line 2']);
  });

  it('puts out values, metrics and log entries', async () => {
    const context = new TestContext();
    const message = JSON.stringify({
      outputs: { total: 3, name: 'x' },
      metrics: [{ name: 'rows', type: 'counter', value: 3, tags: { table: 't' } }, { name: 'broken' }],
      logs: [{ level: 'WARN', message: 'careful' }],
    });
    const { outputs } = await run(context, {
      type: 'scripts.shell.Commands',
      commands: [`echo 'before ::${message}::'`, `echo '::{"outputs":{"name":"y"}}::'`, 'echo "::{not json}::"'],
    });
    expect(outputs).toMatchObject({ vars: { total: 3, name: 'y' } });
    expect(context.metrics).toEqual([{ name: 'rows', type: 'counter', value: 3, tags: { table: 't' } }]);
    expect(context.messages('WARN')).toEqual([expect.stringContaining('metric of the script was left out'), 'careful']);
    expect(context.messages('INFO')).toEqual(['::{not json}::']);
  });

  it('renders its text with the folders of the attempt', async () => {
    const context = new TestContext();
    context.variables = { inputs: { who: 'Ada' } };
    const { outputs } = await run(context, {
      type: 'scripts.shell.Commands',
      beforeCommands: ['WHO={{ inputs.who }}'],
      commands: [
        'test "{{ workingDir }}" = "$WORKING_DIR"',
        'echo "$WHO $GREETING" > {{ outputDir }}/hello.txt',
        'pwd > where.txt',
      ],
      env: { GREETING: 'says {{ inputs.who | upper }}' },
      outputFiles: ['*.txt'],
    });
    expect(outputs).toMatchObject({
      outputFiles: { 'hello.txt': 'kestra:///stored/hello.txt', 'where.txt': 'kestra:///stored/where.txt' },
    });
    expect(context.stored.get('hello.txt')).toBe('Ada says ADA\n');
    expect(context.stored.get('where.txt')).toBe(`${context.directory}\n`);
  });

  it('inherits nothing of the worker but what it needs', async () => {
    const context = new TestContext();
    process.env['SECRET_OF_THE_WORKER'] = 'hush';
    try {
      await run(context, { type: 'scripts.shell.Commands', commands: ['env'], env: { MINE: '1' } });
    } finally {
      delete process.env['SECRET_OF_THE_WORKER'];
    }
    const names = context.messages('INFO').map((line) => line.split('=')[0]);
    expect(names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? '')).sort()).toEqual([
      'HOME',
      'LANG',
      'MINE',
      'OUTPUT_DIR',
      'PATH',
      'TMPDIR',
      'WORKING_DIR',
    ]);
  });

  it.each([
    ['the first failing command', { commands: ['false', 'echo on'] }, 'The process ended with exit code 1', []],
    ['an exit code', { commands: ['echo on', 'exit 7'] }, 'The process ended with exit code 7', ['on']],
    ['a signal', { commands: ['kill -SEGV $$'] }, 'The process ended with exit code 139 (ended by signal 11)', []],
    [
      'an unknown command',
      { commands: ['no-such-command'] },
      'The process ended with exit code 127: a command was not found; its name is in the log',
      [],
    ],
    [
      'an interpreter that is missing',
      { commands: ['x'], interpreter: ['no-such-shell', '-c'] },
      /^no-such-shell is not installed on this worker/,
      [],
    ],
    [
      'another runner',
      { commands: ['x'], taskRunner: { type: 'io.kestra.plugin.scripts.runner.docker.Docker' } },
      /^The task runner 'io\.kestra\.plugin\.scripts\.runner\.docker\.Docker' is not installed/,
      [],
    ],
    [
      'an expression that is wrong',
      { commands: ['echo {{ nobody }}'] },
      /^Property 'commands' cannot be rendered: .*nobody/,
      [],
    ],
  ])('fails with a sentence after %s', async (_, properties, message, printed) => {
    const context = new TestContext();
    const error = await failure(context, { type: 'scripts.shell.Commands', ...properties });
    expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(context.messages('INFO')).toEqual(printed);
  });

  it('keeps exit code and values of a script that failed', async () => {
    const error = await failure(new TestContext(), {
      type: 'scripts.shell.Commands',
      commands: [`echo '::{"outputs":{"a":1}}::'`, 'exit 3'],
    });
    expect(error.outputs).toEqual({
      exitCode: 3,
      vars: { a: 1 },
      outputFiles: {},
      stdOutLineCount: 1,
      stdErrLineCount: 0,
    });
  });

  it.each([
    ['too long', 'x'.repeat(300_000), 'its commands or its environment are too long'],
    ['with a NUL', 'hush\0', "its commands or its 'env' contain a NUL character"],
  ])('fails with a sentence when a variable is %s', async (_, value, reason) => {
    const error = await failure(new TestContext(), {
      type: 'scripts.shell.Commands',
      commands: ['true'],
      env: { A: value },
    });
    expect(error.message).toBe(`The process could not be started: ${reason}`);
  });

  it('goes on after a failing command when failFast is off', async () => {
    const context = new TestContext();
    await run(context, { type: 'scripts.shell.Commands', commands: ['false', 'echo on'], failFast: 'false' });
    expect(context.messages('INFO')).toEqual(['on']);
  });

  it('says which interpreter is missing', async () => {
    const error = await failure(new TestContext(), {
      type: 'scripts.python.Script',
      script: 'print(1)',
      env: { PATH: '/nowhere' },
    });
    expect(error.message).toMatch(/^python3 or python is not installed on this worker/);
  });

  it('runs on plain containerImage and on the process runner', async () => {
    const context = new TestContext();
    await run(context, {
      type: 'scripts.shell.Commands',
      commands: ['echo on'],
      containerImage: 'ubuntu',
      taskRunner: { type: 'io.kestra.plugin.core.runner.Process' },
    });
    expect(context.messages('INFO')).toEqual(['on']);
  });

  it('takes commands that are longer than an argument may be', async () => {
    const context = new TestContext();
    await run(context, { type: 'scripts.shell.Commands', commands: [`# ${'x'.repeat(300_000)}`, 'echo on'] });
    expect(context.messages('INFO')).toEqual(['on']);
  });

  it('takes commands from one expression', async () => {
    const context = new TestContext();
    context.variables = { inputs: { list: ['echo 1', 'echo 2'] } };
    await run(context, { type: 'scripts.shell.Commands', commands: '{{ inputs.list }}' });
    expect(context.messages('INFO')).toEqual(['1', '2']);
  });
});
