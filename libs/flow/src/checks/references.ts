import { nearestName, isPlainObject, type PlainObject } from '@millrace/model';
import type { FindingOptions, Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { readTemplate, templatesIn, type ReadPath, type TemplateAt } from '../templates.js';
import { quoted } from '../words.js';

/** The names of one kind that expressions of a flow may use. */
interface KnownNames {
  readonly what: 'input' | 'task';
  readonly ids: ReadonlySet<string>;
  /** What stands before a dot in an id: `a` of an input `a.b`, which is read as `inputs.a.b`. */
  readonly beginnings: ReadonlySet<string>;
  /** What stands before a dash in an id: the name that `inputs.my-input` reads. */
  readonly beforeDash: ReadonlySet<string>;
}

/** Of a task: texts for people and names, which are never rendered. */
const NOT_RENDERED = new Set<string | number>(['description', 'id', 'type', 'version']);
const RENDERED_OF_INPUT = new Set<string | number>(['defaults', 'prefill', 'dependsOn', 'expression']);
/** The tasks that a ForEachItem makes of itself. */
const GENERATED_SUFFIXES = ['_split', '_items', '_merge'];

/**
 * Checks every expression of the tasks, inputs and outputs: its syntax, and the inputs and outputs that it names.
 *
 * @param syntaxOnly what is named is not there to be looked at
 */
export function checkReferences(
  flow: PlainObject,
  tasks: readonly WrittenTask[],
  report: Report,
  syntaxOnly = false,
): void {
  const inputs = inputNames(flow);
  const outputs = taskNames(tasks);
  const check = (templates: readonly TemplateAt[]): void => {
    for (const template of templates) checkTemplate(template, inputs, outputs, report, syntaxOnly);
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
  for (const [list, property] of [
    ['checks', 'condition'],
    ['sla', 'assert'],
  ] as const) {
    listAt(flow, list).forEach((entry, index) => {
      check(templatesIn(entry, [list, index], (_, holder, step) => holder !== entry || step === property));
    });
  }
}

function listAt(flow: PlainObject, property: string): readonly unknown[] {
  const list = flow[property];
  return Array.isArray(list) ? list : [];
}

function inputNames(flow: PlainObject): KnownNames {
  const inputs = listAt(flow, 'inputs').flatMap((input) =>
    isPlainObject(input) ? [input['id'] ?? input['name']] : [],
  );
  return namesOf(
    'input',
    inputs.filter((id) => typeof id === 'string'),
  );
}

function taskNames(tasks: readonly WrittenTask[]): KnownNames {
  const ids = tasks.flatMap(({ value: { id, type } }) => {
    if (typeof id !== 'string') return [];
    const generates = typeof type === 'string' && type.endsWith('.ForEachItem');
    return generates ? [id, ...GENERATED_SUFFIXES.map((suffix) => id + suffix)] : [id];
  });
  return namesOf('task', ids);
}

function namesOf(what: KnownNames['what'], ids: readonly string[]): KnownNames {
  const before = (mark: string): ReadonlySet<string> =>
    new Set(ids.flatMap((id) => id.split(mark).map((_, index, parts) => parts.slice(0, index).join(mark))));
  return { what, ids: new Set(ids), beginnings: before('.'), beforeDash: before('-') };
}

type PlaceOf = (offset: number) => FindingOptions;

function checkTemplate(
  template: TemplateAt,
  inputs: KnownNames,
  tasks: KnownNames,
  report: Report,
  syntaxOnly: boolean,
): void {
  const { path, text, isName } = template;
  const reading = readTemplate(text);
  const at: PlaceOf = (offset) => (isName ? { part: 'name' } : { textOffset: offset });
  if (reading.kind === 'fault') {
    report.fault(path, `The expression cannot be read: ${reading.reason}.`, at(reading.offset));
    return;
  }
  if (syntaxOnly) return;
  for (const read of reading.reads) {
    const [root] = read;
    if (root === 'inputs') checkRead(template, read, inputs, report, at);
    else if (root === 'outputs') checkRead(template, read, tasks, report, at);
  }
}

function checkRead({ path, text }: TemplateAt, read: ReadPath, known: KnownNames, report: Report, at: PlaceOf): void {
  const [root, first] = read;
  if (first === undefined) return;
  const dashed = dashedName(text, read, known);
  if (dashed !== undefined) {
    const written = quoted(`${root}.${dashed.name}`);
    const meant =
      root +
      dashed.name
        .split('.')
        .map((part) => (part.includes('-') ? `['${part}']` : `.${part}`))
        .join('');
    report.fault(path, `The expression ${written} subtracts, because '-' is minus in an expression: write ${meant}.`, {
      ...at(dashed.offset),
      suggestion: meant,
    });
    return;
  }
  if (isKnown(read.slice(1), known) || report.isFull('warning')) return;
  const suggestion = nearestName(first, known.ids);
  const advice = suggestion === undefined ? unknownAdvice(known) : `did you mean '${suggestion}'?`;
  const sentence =
    known.what === 'input'
      ? `The flow has no input ${quoted(first)}: ${advice}`
      : `The flow has no task ${quoted(first)} whose outputs could be read: ${advice}`;
  report.warning(path, sentence, { ...at(readOffset(text, root, first)), suggestion });
}

function unknownAdvice({ what, ids }: KnownNames): string {
  if (what === 'input') return 'declare it under inputs, or remove the expression.';
  return ids.size === 0 ? 'remove the expression.' : 'write the id of one of its tasks.';
}

/** `inputs.a` is known for an input `a.b` too, and so is `inputs.a.b.c`, which reads inside its value. */
function isKnown(steps: readonly string[], { what, ids, beginnings }: KnownNames): boolean {
  if (what === 'task') return ids.has(steps[0] ?? '');
  return beginnings.has(steps.join('.')) || steps.some((_, index) => ids.has(steps.slice(0, index + 1).join('.')));
}

const NAME_LENGTH_MAX = 300;

/** `outputs.my-task` in the text where a task is called `my-task`. */
function dashedName(text: string, read: ReadPath, known: KnownNames): { name: string; offset: number } | undefined {
  const [root, ...steps] = read;
  if (!known.beforeDash.has(steps.join('.'))) return undefined;
  const written = `${read.join('.')}-`;
  for (let offset = text.indexOf(written); offset >= 0; offset = text.indexOf(written, offset + 1)) {
    const start = offset + root.length + 1;
    let name = /^[\w.-]+/.exec(text.slice(start, start + NAME_LENGTH_MAX))?.[0] ?? '';
    // What follows the name is read from its value: `my-task.value`.
    while (name.includes('.') && !known.ids.has(name)) name = name.slice(0, name.lastIndexOf('.'));
    if (name.includes('-') && known.ids.has(name)) return { name, offset };
  }
  return undefined;
}

function readOffset(text: string, root: string, first: string): number {
  const forms = [`${root}.${first}`, `${root}['${first}']`, `${root}["${first}"]`];
  const offsets = forms.map((form) => text.indexOf(form)).filter((offset) => offset >= 0);
  return offsets.length > 0 ? Math.min(...offsets) : Math.max(0, text.indexOf(root));
}
