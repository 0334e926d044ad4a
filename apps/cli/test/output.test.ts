import type { ExecutionAnswer, LogAnswer, TaskRunAnswer } from '@millrace/cli';
import { printable, type Paint } from '../src/output/colour.js';
import { createOrderedLines, type TimedLine } from '../src/output/ordered-lines.js';
import { createProgress } from '../src/output/progress.js';
import { durationText, sizeText } from '../src/output/quantities.js';
import { summaryLines, writtenFiles } from '../src/output/summary.js';
import { tableLines } from '../src/output/table.js';

const plain: Paint = (_, text) => text;
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
const withoutTimes = (lines: readonly TimedLine[]): readonly string[] =>
  lines.map((line) => line.text().replace(/^\S+ /, ''));

function aTaskRun(
  taskId: string,
  states: readonly [string, number][],
  rest: Partial<TaskRunAnswer> = {},
): TaskRunAnswer {
  const histories = states.map(([state, seconds]) => ({
    state,
    date: at(seconds),
  })) as TaskRunAnswer['state']['histories'];
  const current = histories.at(-1)?.state ?? 'CREATED';
  return { id: `${taskId}-${rest.value ?? ''}`, taskId, state: { current, histories }, ...rest };
}
const anExecution = (taskRunList: readonly TaskRunAnswer[], rest: Partial<ExecutionAnswer> = {}): ExecutionAnswer => ({
  id: 'e1',
  namespace: 'n',
  flowId: 'f',
  flowRevision: 1,
  taskRunList,
  state: {
    current: 'SUCCESS',
    histories: [
      { state: 'CREATED', date: at(0) },
      { state: 'SUCCESS', date: at(2) },
    ],
  },
  ...rest,
});

describe('the progress of an execution', () => {
  it('tells each change of a task run once, with its duration at the end', () => {
    const progress = createProgress(plain);
    const running = anExecution([
      aTaskRun('a', [
        ['CREATED', 0],
        ['SUBMITTED', 0],
        ['RUNNING', 0],
      ]),
    ]);
    const ended = anExecution([
      aTaskRun('a', [
        ['CREATED', 0],
        ['SUBMITTED', 0],
        ['RUNNING', 0],
        ['SUCCESS', 1],
      ]),
    ]);
    expect(withoutTimes(progress.execution(running))).toEqual(['RUNNING  a']);
    expect(withoutTimes(progress.execution(ended))).toEqual(['SUCCESS  a 1.00 s']);
    expect(progress.execution(ended)).toEqual([]);
  });

  it('tells changes that came together', () => {
    const ended = anExecution([
      aTaskRun('a', [
        ['CREATED', 0],
        ['RUNNING', 0],
        ['FAILED', 1],
        ['RETRYING', 1],
        ['RUNNING', 2],
        ['SUCCESS', 4],
      ]),
    ]);
    expect(withoutTimes(createProgress(plain).execution(ended))).toEqual([
      'RUNNING  a',
      'FAILED   a 1.00 s',
      'RETRYING a 1.00 s',
      'RUNNING  a',
      'SUCCESS  a 2.00 s',
    ]);
  });

  it('names the loop value, also in the log', () => {
    const progress = createProgress(plain);
    const taskRun = aTaskRun('a', [['RUNNING', 0]], { value: 'north' });
    expect(withoutTimes(progress.execution(anExecution([taskRun])))).toEqual(['RUNNING  a[north]']);
    const entry: LogAnswer = {
      executionId: 'e1',
      taskId: 'a',
      taskRunId: taskRun.id,
      timestamp: at(1),
      level: 'WARN',
      message: 'one\ntwo',
    };
    expect(withoutTimes(progress.log(entry))).toEqual(['WARN     a[north] one', 'WARN     a[north] two']);
  });

  it('lets no log line write to the terminal what it wants', () => {
    const entry: LogAnswer = { executionId: 'e1', timestamp: at(1), level: 'INFO', message: 'a\u001b[2Jb\u0007' };
    expect(withoutTimes(createProgress(plain).log(entry))).toEqual(['INFO      a�[2Jb�']);
  });
});

describe('lines of two streams', () => {
  it('are told in the order in which things happened, each task run together, the inner one first', () => {
    const told: string[] = [];
    let due: () => void = () => {};
    const clock = { now: () => 0, after: (_delayMs: number, run: () => void) => ((due = run), () => {}) };
    const progress = createProgress(plain);
    const lines = createOrderedLines({ clock, places: progress.places }, (texts) => told.push(...texts));
    const entry: LogAnswer = {
      executionId: 'e1',
      taskId: 'b',
      taskRunId: 'b-x',
      timestamp: at(1),
      level: 'INFO',
      message: 'said',
    };
    lines.add(progress.log(entry));
    const instant = (): [string, number][] => [
      ['RUNNING', 1],
      ['SUCCESS', 1],
    ];
    lines.add(
      progress.execution(
        anExecution([
          aTaskRun('a', [
            ['RUNNING', 0],
            ['SUCCESS', 1],
          ]),
          aTaskRun('b', instant(), { value: 'x', parentTaskRunId: 'a-' }),
          aTaskRun('c', instant(), { parentTaskRunId: 'a-' }),
          aTaskRun('d', instant()),
        ]),
      ),
    );
    expect(told).toEqual([]);
    due();
    expect(told.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'RUNNING  a',
      'RUNNING  b[x]',
      'INFO     b[x] said',
      'SUCCESS  b[x] 0 ms',
      'RUNNING  c',
      'SUCCESS  c 0 ms',
      'SUCCESS  a 1.00 s',
      'RUNNING  d',
      'SUCCESS  d 0 ms',
    ]);
  });
});

describe('the summary of an execution', () => {
  const file = 'kestra:///n/f/executions/e1/tasks/a/t/report.md';
  const execution = anExecution(
    [
      aTaskRun('a', [], { outputs: { outputFiles: { 'out/report.md': file }, vars: { rows: 3 }, value: null } }),
      aTaskRun('b', [], { value: 'x', outputs: { uri: 'kestra:///n/f/other.txt', vars: {} } }),
    ],
    { outputs: { report: file } },
  );

  it('finds every file once, by the name that its task gave it', () => {
    expect(writtenFiles(execution)).toEqual([
      { taskRun: 'a', name: 'out/report.md', uri: file },
      { taskRun: 'b[x]', name: 'other.txt', uri: 'kestra:///n/f/other.txt' },
    ]);
  });

  it('shows outputs of tasks, files, outputs of the flow and the state', () => {
    expect(summaryLines(execution, new Map([[file, 2048]]), plain)).toEqual([
      '',
      'Outputs of tasks',
      '  a',
      '    vars: {"rows":3}',
      '  b[x]',
      '    uri: kestra:///n/f/other.txt',
      '',
      'Files',
      `  a/out/report.md  2.0 KiB  ${file}`,
      '  b[x]/other.txt  kestra:///n/f/other.txt',
      '',
      'Outputs',
      `  report: ${file}`,
      '',
      'SUCCESS  n.f  e1  in 2.00 s',
    ]);
  });
});

describe('quantities', () => {
  it.each([
    [0.4, '0 ms'],
    [999.4, '999 ms'],
    [1000, '1.00 s'],
    [59_994, '59.99 s'],
    [59_996, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [3_599_600, '1 h 0 min'],
    [12_000_000, '3 h 20 min'],
  ])('%d ms is %s', (milliseconds, expected) => expect(durationText(milliseconds)).toBe(expected));

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_572_864, '1.5 MiB'],
    [2 ** 41, '2048.0 GiB'],
  ])('%d bytes are %s', (bytes, expected) => expect(sizeText(bytes)).toBe(expected));
});

it('a table has aligned columns', () => {
  expect(
    tableLines(
      ['ID', 'STATE'],
      [
        ['long-id', 'SUCCESS'],
        ['x', ''],
      ],
    ),
  ).toEqual(['ID       STATE', 'long-id  SUCCESS', 'x']);
});

it('printable text keeps tabs, line ends and letters of any script', () => {
  expect(printable('ä\tß\n😀')).toBe('ä\tß\n😀');
});
