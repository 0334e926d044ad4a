import { isPlainObject, type PlainObject } from '@millrace/model';
import { nearestName } from '../nearest.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { readTemplate, templatesIn, type ReadPath, type TemplateAt } from '../templates.js';
import { quoted } from '../words.js';

/** The names that expressions of a flow may use. */
interface KnownNames {
  readonly inputs: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
}

/** Of a task: texts for people and names, which are never rendered. */
const NOT_RENDERED = new Set<string | number>(['description', 'id', 'type', 'version']);
const RENDERED_OF_INPUT = new Set<string | number>(['defaults', 'prefill', 'dependsOn', 'expression']);
/** The tasks that a ForEachItem makes of itself. */
const GENERATED_SUFFIXES = ['_split', '_items', '_merge'];

/** Checks every expression of the tasks, inputs and outputs: its syntax, and the inputs and outputs that it names. */
export function checkReferences(flow: PlainObject, tasks: readonly WrittenTask[], report: Report): void {
  const names = knownNames(flow, tasks);
  const check = (templates: readonly TemplateAt[]): void => {
    for (const template of templates) checkTemplate(template, names, report);
  };
  const taskValues = new Set<unknown>(tasks.map((task) => task.value));
  for (const { value, path } of tasks) {
    const enter = (member: unknown, holder: unknown, step: string | number): boolean =>
      !taskValues.has(member) && !(holder === value && NOT_RENDERED.has(step));
    check(templatesIn(value, path, enter));
  }
  listAt(flow, 'inputs').forEach((input, index) => {
    check(templatesIn(input, ['inputs', index], (_, holder, step) => holder !== input || RENDERED_OF_INPUT.has(step)));
  });
  listAt(flow, 'outputs').forEach((output, index) => {
    check(templatesIn(output, ['outputs', index], (_, holder, step) => holder !== output || step === 'value'));
  });
}

function listAt(flow: PlainObject, property: string): readonly unknown[] {
  const list = flow[property];
  return Array.isArray(list) ? list : [];
}

function knownNames(flow: PlainObject, tasks: readonly WrittenTask[]): KnownNames {
  const inputs = listAt(flow, 'inputs').flatMap((input) =>
    isPlainObject(input) ? [input['id'] ?? input['name']] : [],
  );
  const taskIds = tasks.flatMap(({ value: { id, type } }) => {
    if (typeof id !== 'string') return [];
    const generates = typeof type === 'string' && type.endsWith('.ForEachItem');
    return generates ? [id, ...GENERATED_SUFFIXES.map((suffix) => id + suffix)] : [id];
  });
  return { inputs: new Set(inputs.filter((id) => typeof id === 'string')), tasks: new Set(taskIds) };
}

function checkTemplate(template: TemplateAt, names: KnownNames, report: Report): void {
  const { path, text, isName } = template;
  const reading = readTemplate(text);
  const at = (offset: number) => (isName ? { part: 'name' as const } : { textOffset: offset });
  if (reading.kind === 'fault') {
    report.fault(path, `The expression cannot be read: ${reading.reason}.`, at(reading.offset));
    return;
  }
  for (const read of reading.reads) {
    const [root] = read;
    if (root === 'inputs') checkRead(template, read, names.inputs, 'input', report, at);
    else if (root === 'outputs') checkRead(template, read, names.tasks, 'task', report, at);
  }
}

function checkRead(
  { path, text }: TemplateAt,
  read: ReadPath,
  known: ReadonlySet<string>,
  what: 'input' | 'task',
  report: Report,
  at: (offset: number) => { part: 'name' } | { textOffset: number },
): void {
  const [root, first] = read;
  if (first === undefined) return;
  const dashed = dashedName(text, `${root}.${first}`, known);
  if (dashed !== undefined) {
    const meant = `${root}['${dashed.name}']`;
    report.fault(
      path,
      `The expression ${quoted(`${root}.${dashed.name}`)} subtracts, because '-' is minus in an expression: write ${meant}.`,
      { ...at(dashed.offset), suggestion: meant },
    );
    return;
  }
  if (isKnown(read.slice(1), known, what)) return;
  const suggestion = nearestName(first, known);
  const advice = suggestion === undefined ? unknownAdvice(known, what) : `did you mean '${suggestion}'?`;
  const sentence =
    what === 'input'
      ? `The flow has no input ${quoted(first)}: ${advice}`
      : `The flow has no task ${quoted(first)} whose outputs could be read: ${advice}`;
  report.warning(path, sentence, { ...at(readOffset(text, root, first)), suggestion });
}

function unknownAdvice(known: ReadonlySet<string>, what: 'input' | 'task'): string {
  if (what === 'input') return 'declare it under inputs, or remove the expression.';
  return known.size === 0 ? 'remove the expression.' : 'write the id of one of its tasks.';
}

/** An input id may have dots: `a.b` is read as `inputs.a.b`, and `inputs.a` is the map of them. */
function isKnown(steps: readonly string[], known: ReadonlySet<string>, what: 'input' | 'task'): boolean {
  const first = steps[0] ?? '';
  if (known.has(first)) return true;
  if (what === 'task') return false;
  return [...known].some((id) => {
    const parts = id.split('.');
    return parts.every((part, index) => index >= steps.length || steps[index] === part);
  });
}

/** `outputs.my-task` in the text where a task is called `my-task`. */
function dashedName(
  text: string,
  written: string,
  known: ReadonlySet<string>,
): { name: string; offset: number } | undefined {
  const dot = written.indexOf('.') + 1;
  for (let offset = text.indexOf(`${written}-`); offset >= 0; offset = text.indexOf(`${written}-`, offset + 1)) {
    const name = /^[\w-]+/.exec(text.slice(offset + dot))?.[0] ?? '';
    if (known.has(name)) return { name, offset };
  }
  return undefined;
}

function readOffset(text: string, root: string, first: string): number {
  const forms = [`${root}.${first}`, `${root}['${first}']`, `${root}["${first}"]`];
  const offsets = forms.map((form) => text.indexOf(form)).filter((offset) => offset >= 0);
  return offsets.length > 0 ? Math.min(...offsets) : Math.max(0, text.indexOf(root));
}
