import {
  SECTIONS,
  FlowSource,
  isPlainObject,
  PluginDefault,
  type PlainObject,
  type TaskTypeCatalog,
} from '@millrace/model';
import { checkAgreements } from './checks/agreements.js';
import { checkChildren } from './checks/children.js';
import { checkFlow } from './checks/flow.js';
import { checkInputs } from './checks/inputs.js';
import { checkReferences } from './checks/references.js';
import { checkRetry } from './checks/retry.js';
import { checkRecursion, checkTask, checkTaskIds, checkTaskRelations, deprecatedProperties } from './checks/tasks.js';
import { checkTriggers } from './checks/triggers.js';
import { checkUnsupported } from './checks/unsupported.js';
import { checkProbableMistakes, type FindFlow } from './checks/warnings.js';
import { checkWorkerGroups } from './checks/worker-groups.js';
import type { Fault, Finding } from './fault.js';
import { DEFAULT_FLOW_LIMITS, type FlowLimits } from './limits.js';
import { dropEmptyProperties, withCurrentNames } from './normalise.js';
import { readPlainTexts } from './plain-texts.js';
import { createReport, type Report } from './report.js';
import { createSchemaCompiler, type SchemaCheck } from './schema/compile.js';
import { reportSchemaErrors } from './schema/faults.js';
import { writtenTasks, type WrittenTask } from './task-tree.js';
import { describeValue } from './words.js';
import { createLocator } from './yaml/locate.js';
import { nestingFault } from './yaml/nesting.js';
import { parseYaml, type YamlText } from './yaml/parse.js';
import { toPlainData } from './yaml/plain-data.js';
import { syntaxFaults } from './yaml/syntax-faults.js';

/** What parsing a flow needs to know. */
export interface ParseOptions {
  /** The task types that this installation knows. */
  readonly catalog: TaskTypeCatalog;
  readonly limits?: Partial<FlowLimits>;
  /** Defaults of the namespace and of the configuration, strongest list first; the flow's own come before them. */
  readonly pluginDefaults?: readonly (readonly PluginDefault[])[];
  /** For warnings about subflows that are not there; without it none are made. */
  readonly findFlow?: FindFlow;
  /** Keys of the worker groups that the flow may use; without it those that it names are not looked up. */
  readonly workerGroups?: readonly string[];
  /** The text is a part of a flow: names of inputs and tasks that it reads are not judged. */
  readonly isPart?: boolean;
}

/** What a text says and what is wrong with it. All lists are sorted by place. */
export interface ParsedFlow {
  /** The flow, with current names for old ones; only when there are no faults. */
  readonly definition?: FlowSource;
  /** For these the flow is refused. */
  readonly faults: readonly Fault[];
  /** Probably mistakes, but the flow can run. */
  readonly warnings: readonly Finding[];
  readonly infos: readonly Finding[];
  /** Paths of deprecated properties and types. */
  readonly deprecations: readonly string[];
}

/**
 * Parses and checks the YAML text of one flow. Finds all faults at once, each with its place and a sentence; never
 * throws for anything that a text may hold.
 */
export function parseFlow(source: string, options: ParseOptions): ParsedFlow {
  const limits = { ...DEFAULT_FLOW_LIMITS, ...options.limits };
  const text = readText(source, limits);
  if ('fault' in text) return refused(text.fault);
  const second = text.yaml.documents[1];
  if (second !== undefined) {
    const { line, column } = positionOf(text.yaml, second.range[0]);
    return refused({
      line,
      column,
      path: '',
      message:
        "There is more than one document in this text, and one is expected here: remove what follows the line '---'.",
    });
  }
  return parseDocument(text.yaml, 0, options, limits);
}

/** Parses the flows of a text, one for each document between `---` lines; empty documents are left out. */
export function parseFlows(source: string, options: ParseOptions): readonly ParsedFlow[] {
  const limits = { ...DEFAULT_FLOW_LIMITS, ...options.limits };
  const text = readText(source, limits);
  if ('fault' in text) return [refused(text.fault)];
  const { documents } = text.yaml;
  return documents.flatMap((document, index) => {
    const empty = document.contents === null || isEmptyScalar(document.contents);
    return empty && document.errors.length === 0 ? [] : [parseDocument(text.yaml, index, options, limits)];
  });
}

const isEmptyScalar = (node: object): boolean => 'source' in node && node.source === '';

const refused = (fault: Fault): ParsedFlow => ({ faults: [fault], warnings: [], infos: [], deprecations: [] });

function readText(source: string, limits: FlowLimits): { readonly yaml: YamlText } | { readonly fault: Fault } {
  const fault = (message: string) => ({ fault: { line: 1, column: 1, path: '', message } });
  // A character has at most three bytes for each of its units.
  const large =
    source.length > limits.sourceBytes ||
    (source.length * 3 > limits.sourceBytes && Buffer.byteLength(source) > limits.sourceBytes);
  if (large) {
    const size = limits.sourceBytes.toLocaleString('en-US');
    return fault(
      `The text is larger than ${size} bytes: split the flow into subflows, or move large texts into namespace files.`,
    );
  }
  const nesting = nestingFault(source);
  if (nesting !== undefined) return { fault: { ...nesting, path: '' } };
  const yaml = parseYaml(source.startsWith('\uFEFF') ? source.slice(1) : source, limits);
  if ('fault' in yaml)
    return { fault: { ...placeIn(source, yaml.fault.offset), path: '', message: yaml.fault.message } };
  const isEmpty = yaml.documents.every((document) => document.contents === null && document.errors.length === 0);
  return isEmpty ? fault('The text is empty: a flow has an id, a namespace and tasks.') : { yaml };
}

function placeIn(source: string, offset: number): { readonly line: number; readonly column: number } {
  const before = source.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function positionOf(yaml: YamlText, offset: number): { line: number; column: number } {
  return createLocator(null, yaml.source, yaml.lines, new Map()).positionAt(offset);
}

function parseDocument(yaml: YamlText, index: number, options: ParseOptions, limits: FlowLimits): ParsedFlow {
  const document = yaml.documents[index];
  if (document === undefined)
    return refused({
      line: 1,
      column: 1,
      path: '',
      message: 'The text is empty: a flow has an id, a namespace and tasks.',
    });
  const syntax = syntaxFaults(document, yaml.source);
  const data = toPlainData(syntax.structureKnown ? document.contents : null, yaml.lines, limits);
  const locator = createLocator(document.contents, yaml.source, yaml.lines, data.targets);
  const report = createReport(locator, limits.faults);
  for (const { offset, message } of syntax.faults) report.faultAt([], offset, message);
  for (const { path, offset, message } of data.faults) {
    report.faultAt(path, offset, message);
    report.silence(path);
  }
  const isWhole = syntax.structureKnown && !data.faults.some(({ path }) => path.length === 0);
  const definition = isWhole ? checkDefinition(data.value, options, limits, report) : undefined;
  const findings = report.result();
  return definition === undefined || !isFlow(definition, findings.faults) ? findings : { definition, ...findings };
}

/** What the checks have left without a fault is a flow. */
function isFlow(definition: PlainObject, faults: readonly Fault[]): definition is PlainObject & FlowSource {
  return faults.length === 0 && Array.isArray(definition['tasks']);
}

function checkDefinition(
  value: unknown,
  options: ParseOptions,
  limits: FlowLimits,
  report: Report,
): PlainObject | undefined {
  if (!isPlainObject(value)) {
    const is = describeValue(value, report.writtenAt([]));
    report.fault(
      [],
      `A flow is a map with an id, a namespace and tasks, but this is ${is}: write 'id: …' on the first line.`,
    );
    return undefined;
  }
  const flow = value;
  const tasks = writtenTasks(flow, options.catalog, limits.tasks + 1);
  if (tasks.length > limits.tasks) {
    const max = limits.tasks.toLocaleString('en-US');
    report.fault(tasks.at(-1)?.path ?? [], `The flow has more than ${max} tasks: split it into subflows.`);
    return undefined;
  }
  dropEmptyProperties(flow, tasks, report);
  readPlainTexts(flow, tasks, report);
  checkUnsupported(flow, tasks, report);
  checkSchemas(flow, tasks, options, report);
  checkFlow(flow, report);
  checkAgreements(flow, report);
  checkInputs(flow['inputs'], report);
  checkTaskIds(tasks, report);
  checkChildren(tasks, report);
  checkRecursion(flow, tasks, report);
  checkRetry(flow['retry'], ['retry'], report);
  for (const task of tasks) {
    checkRetry(task.value['retry'], [...task.path, 'retry'], report);
    checkTaskRelations(task, report);
  }
  checkReferences(flow, tasks, report, options.isPart === true);
  if (options.workerGroups) checkWorkerGroups(flow, tasks, options.workerGroups, report);
  checkProbableMistakes(flow, tasks, options.findFlow, report);
  return withCurrentNames(flow);
}

/** One compiler for all flows: a type's schema is compiled when its first task is checked. */
const compiled = new WeakMap<object, SchemaCheck>();
const compile = createSchemaCompiler();

function checkOf(schema: object): SchemaCheck {
  const before = compiled.get(schema);
  if (before !== undefined) return before;
  const check = compile(schema);
  compiled.set(schema, check);
  return check;
}

function checkSchemas(flow: PlainObject, tasks: readonly WrittenTask[], options: ParseOptions, report: Report): void {
  const subject = { path: [], name: 'the flow', kind: 'a flow' };
  reportSchemaErrors(checkOf(FlowSource)(withoutTasks(flow)), withoutTasks(flow), subject, report);
  deprecatedProperties(FlowSource, withoutTasks(flow), [], report);
  const own = flow['pluginDefaults'] ?? flow['taskDefaults'];
  const pluginDefaults = [isDefaultsList(own) ? own : [], ...(options.pluginDefaults ?? [])];
  for (const task of tasks) checkTask(task, { catalog: options.catalog, checkOf, pluginDefaults, report });
  checkTriggers(flow['triggers'], { catalog: options.catalog, checkOf, pluginDefaults, report });
}

const isDefaultsList = (value: unknown): value is readonly PluginDefault[] =>
  Array.isArray(value) && value.every((entry) => checkOf(PluginDefault)(entry).length === 0);

/** Triggers are checked by themselves. */
const SOME_TRIGGER = { id: 'some', type: 'some' };

/** The flow's own schema needs to see only that its tasks and triggers are maps. */
function withoutTasks(flow: PlainObject): PlainObject {
  const copy: Record<string, unknown> = { ...flow };
  for (const section of SECTIONS) {
    const list = copy[section];
    if (Array.isArray(list)) copy[section] = hollow(list);
  }
  const { listeners } = copy;
  if (Array.isArray(listeners)) {
    copy['listeners'] = listeners.map((listener: unknown) =>
      isPlainObject(listener) && Array.isArray(listener['tasks'])
        ? { ...listener, tasks: hollow(listener['tasks']) }
        : listener,
    );
  }
  const { triggers } = copy;
  if (Array.isArray(triggers))
    copy['triggers'] = triggers.map((item: unknown) => (isPlainObject(item) ? SOME_TRIGGER : item));
  return copy;
}

const hollow = (tasks: readonly unknown[]): readonly unknown[] =>
  tasks.map((task) => (isPlainObject(task) ? {} : task));
