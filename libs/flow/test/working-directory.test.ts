import { flowWith, parse } from './catalog.js';

const directory = (rest: string): string =>
  flowWith(`tasks:
  - id: work
    type: core.flow.WorkingDirectory
${rest}`);

const messages = (source: string): string[] => parse(source).faults.map(({ path, message }) => `${path}: ${message}`);

describe('A WorkingDirectory', () => {
  it('holds tasks that a worker runs, files, a cache and a limit of time', () => {
    const { faults, warnings } = parse(
      directory(`    timeout: PT1H
    inputFiles: {in.txt: 'hello', data.csv: 'kestra:///x/data.csv'}
    outputFiles: ['*.csv']
    namespaceFiles: {include: '*.py', exclude: [secret.py], namespaces: [company], ifExists: FAIL, folderPerNamespace: true}
    cache: {ttl: PT1H, patterns: ['node_modules/**']}
    tasks:
      - {id: hello, type: core.log.Log, message: hi}
    errors:
      - {id: branch, type: core.flow.Sequential, tasks: [{id: sorry, type: core.log.Log, message: sorry}]}
`),
    );
    expect(faults).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('has an old name', () => {
    const source = directory('    tasks: [{id: hello, type: core.log.Log, message: hi}]\n');
    const old = source.replace('core.flow.WorkingDirectory', 'io.kestra.core.tasks.flows.Worker');
    expect(parse(old).faults).toEqual([]);
  });

  it('refuses tasks that the executor decides', () => {
    expect(
      messages(
        directory(
          '    tasks: [{id: branch, type: core.flow.Sequential, tasks: [{id: x, type: core.log.Log, message: x}]}]\n',
        ),
      ),
    ).toEqual([
      'tasks[0].tasks[0].type: A core.flow.Sequential cannot stand here, because one worker runs all tasks of a WorkingDirectory itself: move it outside.',
    ]);
  });

  it('refuses worker groups of its tasks', () => {
    expect(
      messages(directory('    tasks: [{id: x, type: core.log.Log, message: x, workerGroup: {key: default}}]\n')),
    ).toEqual([
      "tasks[0].tasks[0].workerGroup: The tasks of a WorkingDirectory run where it runs itself: set 'workerGroup' on the WorkingDirectory.",
    ]);
  });

  it('refuses a cache without patterns and a namespaceFiles with a property that it does not have', () => {
    const found = messages(
      directory(`    cache: {ttl: PT1H}
    namespaceFiles: {includes: x}
    tasks: [{id: x, type: core.log.Log, message: x}]
`),
    );
    expect(found).toHaveLength(2);
  });
});
