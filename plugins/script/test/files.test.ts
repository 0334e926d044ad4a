import { checkedName, createGlob } from '@millrace/plugin-api';
import type { PlainObject } from '@millrace/model';
import { failure, run, TestContext } from './support.js';

describe('Input files', () => {
  it('are made from contents and from stored files', async () => {
    const context = new TestContext();
    context.readable.set('kestra:///company/team/_files/in.csv', 'a,b\n');
    context.variables = { inputs: { name: 'Ada' } };
    await run(context, {
      type: 'scripts.shell.Commands',
      inputFiles: {
        'data/in.csv': 'kestra:///company/team/_files/in.csv',
        'hello.txt': 'Hello {{ inputs.name }}\n',
        'map.json': { a: 1 },
      },
      commands: ['cat data/in.csv hello.txt map.json'],
    });
    expect(context.messages('INFO')).toEqual(['a,b', 'Hello Ada', '{"a":1}']);
  });

  it('may be given as JSON text', async () => {
    const context = new TestContext();
    await run(context, { type: 'scripts.shell.Commands', inputFiles: '{"a.txt": "A"}', commands: ['cat a.txt'] });
    expect(context.messages('INFO')).toEqual(['A']);
  });

  it.each(['../x', '/etc/x', 'a/../../x', 'a//b', './x', '', 'a\\b', 'a\0b', '..', 'x'.repeat(1_025)])(
    'never leave the working directory: %j',
    (name) => {
      expect(() => checkedName(name)).toThrow('must be a path within the working directory');
    },
  );

  it.each([
    ['a name that leads out', { '../x': 'x' }, /must be a path within the working directory/],
    ['a name that leads out after rendering', { '{{ ".." }}/x': 'x' }, /must be a path within the working directory/],
    ['a file that is not there', { x: 'kestra:///nowhere' }, /^The input file 'x' cannot be made: no file/],
    ['a file of the machine', { x: 'file:///etc/passwd' }, /^The input file 'x' cannot be made: no file/],
  ])('fail the task with %s', async (_, inputFiles, message) => {
    const error = await failure(new TestContext(), { type: 'scripts.shell.Commands', inputFiles, commands: ['true'] });
    expect(error.message).toMatch(message);
  });
});

describe('Files of the namespace', () => {
  const withFiles = (): TestContext => {
    const context = new TestContext();
    context.inNamespaces.set('company.team:a.py', 'own a');
    context.inNamespaces.set('company.team:lib/b.py', 'own b');
    context.inNamespaces.set('company.team:lib/c.txt', 'own c');
    context.inNamespaces.set('company:a.py', 'parent a');
    return context;
  };
  const commands = ['find . -type f | sort | while read f; do echo "$f $(cat $f)"; done'];
  const seen = async (namespaceFiles: PlainObject, inputFiles: PlainObject = {}): Promise<readonly string[]> => {
    const context = withFiles();
    await run(context, { type: 'scripts.shell.Commands', namespaceFiles, inputFiles, commands });
    return [...context.messages('WARN'), ...context.messages('INFO')];
  };

  it.each<readonly [string, PlainObject, readonly string[]]>([
    ['are all there', {}, ['./a.py own a', './lib/b.py own b', './lib/c.txt own c']],
    ['are not there when not enabled', { enabled: false }, []],
    ['are those that match, at any depth', { include: '*.py' }, ['./a.py own a', './lib/b.py own b']],
    ['are those that match one of several', { include: ['lib/c.txt', 'a.*'] }, ['./a.py own a', './lib/c.txt own c']],
    ['are not those that are excluded', { include: ['**'], exclude: '["b.py","/a.py"]' }, ['./lib/c.txt own c']],
    ['of a later namespace win', { namespaces: ['company.team', 'company'], include: 'a.py' }, ['./a.py parent a']],
    [
      'of each namespace have a folder',
      { namespaces: ['company.team', 'company'], include: 'a.py', folderPerNamespace: true },
      ['./company.team/a.py own a', './company/a.py parent a'],
    ],
    [
      'that are there already stay',
      { namespaces: ['company.team', 'company'], include: 'a.py', ifExists: 'IGNORE' },
      ['./a.py own a'],
    ],
    [
      'that are there already stay with a warning',
      { namespaces: ['company.team', 'company'], include: 'a.py', ifExists: 'WARN' },
      ["The namespace file 'a.py' is there already and stays as it is", './a.py own a'],
    ],
  ])('%s', async (_, namespaceFiles, expected) => {
    expect([...(await seen(namespaceFiles))].sort()).toEqual([...expected].sort());
  });

  it('are replaced by input files of the same name', async () => {
    expect(await seen({ include: 'a.py' }, { 'a.py': 'input' })).toEqual(['./a.py input']);
  });

  it('that are there already fail the task when told so', async () => {
    const namespaceFiles = { namespaces: ['company.team', 'company'], include: 'a.py', ifExists: 'FAIL' };
    const error = await failure(withFiles(), { type: 'scripts.shell.Commands', namespaceFiles, commands });
    expect(error.message).toMatch(/^The namespace file 'a.py' is in the working directory already/);
  });
});

describe('Output files', () => {
  it('are those that match, and all of the output directory', async () => {
    const context = new TestContext();
    const { outputs } = await run(context, {
      type: 'scripts.shell.Commands',
      commands: [
        'mkdir -p a/b',
        'echo 1 > a/b/1.csv',
        'echo 2 > a/2.csv',
        'echo 3 > 3.txt',
        'mkdir $OUTPUT_DIR/d && echo 4 > $OUTPUT_DIR/d/4.txt',
      ],
      outputFiles: ['**/*.csv', 'missing.txt'],
    });
    expect(Object.keys(outputs?.['outputFiles'] ?? {})).toEqual(['a/2.csv', 'a/b/1.csv', 'd/4.txt']);
    expect(context.stored.get('a/b/1.csv')).toBe('1\n');
    expect(context.messages('WARN')).toEqual(["The output file 'missing.txt' was not made"]);
  });

  it('do not include what a link reaches outside', async () => {
    const context = new TestContext();
    const { outputs } = await run(context, {
      type: 'scripts.shell.Commands',
      commands: [
        'ln -s /etc/passwd stolen',
        'ln -s /etc folder',
        'ln -s /nowhere broken',
        'echo 1 > own',
        'ln -s own link',
        'mkfifo pipe',
      ],
      outputFiles: ['**'],
    });
    expect(Object.keys(outputs?.['outputFiles'] ?? {})).toEqual(['link', 'own']);
  });
});

describe('A pattern', () => {
  it.each([
    ['*.csv', ['a.csv', '.csv'], ['a/b.csv', 'a.csvx', 'acsv']],
    ['**/*.csv', ['a.csv', 'a/b.csv', 'a/b/c.csv'], ['a/b']],
    ['data/**', ['data/a', 'data/a/b'], ['dat/a', 'x/data/a']],
    ['**', ['a', 'a/b'], []],
    ['a?c', ['abc'], ['ac', 'a/c', 'abbc']],
    ['[a-c]x', ['ax', 'cx'], ['dx', 'x']],
    ['[!a-c]x', ['dx'], ['ax']],
    ['{a,b/*}.{txt,csv}', ['a.txt', 'b/x.csv'], ['c.txt', 'a.json']],
    ['a*b*c', ['abc', 'axxbyyc'], ['ab', 'acb']],
    ['a.c', ['a.c'], ['abc']],
  ])('%s takes what it means', (pattern, taken, refused) => {
    const matches = createGlob(pattern);
    expect(taken.filter((path) => !matches(path))).toEqual([]);
    expect(refused.filter((path) => matches(path))).toEqual([]);
  });

  it('of many stars takes no longer for it', () => {
    const matches = createGlob(`${'*a'.repeat(50)}b`);
    expect(matches('a'.repeat(5_000))).toBe(false);
  });

  it('with too many alternatives is refused', () => {
    expect(() => createGlob('{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}')).toThrow('more than 100 alternatives');
  });
});
