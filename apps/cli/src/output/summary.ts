import { isPlainObject } from '@millrace/model';
import type { ExecutionAnswer } from '../client/answers.js';
import { printable, stateColour, type Paint } from './colour.js';
import { taskRunName } from './progress.js';
import { durationText, sizeText } from './quantities.js';

/** A file that a task run left in internal storage. */
export interface WrittenFile {
  /** The task run that wrote it, such as `aggregate[north]`. */
  readonly taskRun: string;
  readonly name: string;
  readonly uri: string;
}

const FILE_SCHEME = 'kestra:///';
/** Characters of a value that are shown. */
const VALUE_LENGTH_MAX = 160;

/** Every file named in the outputs of the execution's task runs; each once. */
export function writtenFiles({ taskRunList = [] }: ExecutionAnswer): readonly WrittenFile[] {
  const files = new Map<string, WrittenFile>();
  for (const taskRun of taskRunList) {
    for (const [name, uri] of filesIn(taskRun.outputs ?? {}, [])) {
      if (!files.has(uri)) files.set(uri, { taskRun: taskRunName(taskRun), name, uri });
    }
  }
  return [...files.values()];
}

/** `[name, uri]` of every file in a value; the name is the key that holds it in `outputFiles`, else the file's own. */
function* filesIn(value: unknown, path: readonly string[]): Generator<readonly [string, string]> {
  if (typeof value === 'string' && value.startsWith(FILE_SCHEME)) {
    const ownName = value.slice(value.lastIndexOf('/') + 1);
    yield [path.at(-2) === 'outputFiles' ? (path.at(-1) ?? ownName) : ownName, value];
  } else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) yield* filesIn(one, [...path, String(index)]);
  } else if (isPlainObject(value)) {
    for (const [name, one] of Object.entries(value)) yield* filesIn(one, [...path, name]);
  }
}

/** What is left when an execution has ended: outputs by task, its own outputs, files, the state. */
export function summaryLines(
  execution: ExecutionAnswer,
  sizes: ReadonlyMap<string, number>,
  paint: Paint,
): readonly string[] {
  const files = writtenFiles(execution);
  const fileLines = files.map(({ taskRun, name, uri }) => {
    const size = sizes.get(uri);
    return `  ${taskRun}/${printable(name)}${size === undefined ? '' : `  ${sizeText(size)}`}  ${paint('grey', printable(uri))}`;
  });
  return [
    ...section('Outputs of tasks', taskOutputLines(execution), paint),
    ...section('Files', fileLines, paint),
    ...section('Outputs', memberLines(execution.outputs ?? {}, '  '), paint),
    '',
    stateLine(execution, paint),
  ];
}

/** `SUCCESS  sales.report  4x…  in 1.20 s`. */
export function stateLine({ id, namespace, flowId, state }: ExecutionAnswer, paint: Paint): string {
  const first = state.histories[0];
  const last = state.histories.at(-1);
  const took = first && last ? `in ${durationText(Date.parse(last.date) - Date.parse(first.date))}` : '';
  return `${paint(stateColour(state.current), state.current)}  ${namespace}.${flowId}  ${paint('grey', id)}  ${took}`.trimEnd();
}

const section = (title: string, lines: readonly string[], paint: Paint): readonly string[] =>
  lines.length === 0 ? [] : ['', paint('bold', title), ...lines];

function taskOutputLines({ taskRunList = [] }: ExecutionAnswer): readonly string[] {
  return taskRunList.flatMap((taskRun) => {
    const lines = memberLines(withoutFiles(taskRun.outputs ?? {}), '    ');
    return lines.length === 0 ? [] : [`  ${taskRunName(taskRun)}`, ...lines];
  });
}

/** Files have a list of their own; empty members say nothing. */
function withoutFiles(outputs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isShown = (value: unknown): boolean =>
    value !== null && !(isPlainObject(value) && Object.keys(value).length === 0);
  return Object.fromEntries(
    Object.entries(outputs).filter(([name, value]) => name !== 'outputFiles' && isShown(value)),
  );
}

const memberLines = (members: Readonly<Record<string, unknown>>, indent: string): readonly string[] =>
  Object.entries(members).map(([name, value]) => `${indent}${name}: ${shown(value)}`);

function shown(value: unknown): string {
  const text = printable(typeof value === 'string' ? value.replaceAll('\n', '⏎') : (JSON.stringify(value) ?? 'null'));
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX - 1)}…`;
}
