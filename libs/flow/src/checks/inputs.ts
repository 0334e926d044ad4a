import { nearestName, INPUT_TYPES, isPlainObject, type Input, type InputType } from '@millrace/model';
import type { Path } from '../fault.js';
import { boundOf, boundWords, convertValue } from '../inputs/convert.js';
import { inputId, orderInputs } from '../inputs/order.js';
import { compilePattern } from '../inputs/pattern.js';
import type { Report } from '../report.js';
import { isTemplate } from '../templates.js';
import { either, quoted } from '../words.js';
import { reportDuplicate } from './tasks.js';

/** Which types a property is for; properties that are not here are for all. */
const TYPES_OF: Readonly<Record<string, readonly InputType[]>> = {
  validator: ['STRING', 'SECRET'],
  values: ['ENUM', 'SELECT', 'MULTISELECT'],
  options: ['MULTISELECT'],
  expression: ['SELECT', 'MULTISELECT'],
  allowCustomValue: ['SELECT', 'MULTISELECT'],
  isRadio: ['SELECT'],
  autoSelectFirst: ['SELECT', 'MULTISELECT'],
  itemType: ['ARRAY', 'MULTISELECT'],
  min: ['INT', 'FLOAT', 'DURATION'],
  max: ['INT', 'FLOAT', 'DURATION'],
  after: ['DATETIME', 'DATE', 'TIME'],
  before: ['DATETIME', 'DATE', 'TIME'],
  extension: ['FILE'],
  allowedFileExtensions: ['FILE'],
  acceptDirectory: ['FILE'],
};

const DEPRECATED_TYPES: Readonly<Record<string, string>> = { ENUM: 'SELECT', BOOLEAN: 'BOOL' };

/** Relations inside and between the inputs; inputs that are not well-formed are left to the schema. */
export function checkInputs(written: unknown, report: Report): void {
  if (!Array.isArray(written)) return;
  const inputs = written.map((value: unknown, index) => ({ value, path: ['inputs', index] as Path }));
  const known = inputs.flatMap(({ value, path }) => (isInput(value) ? [{ input: value, path }] : []));
  checkIds(known, report);
  for (const { input, path } of known) {
    checkProperties(input, path, report);
    checkValues(input, path, report);
    checkBounds(input, path, report);
    checkDefaults(input, path, report);
    const modern = DEPRECATED_TYPES[input.type];
    if (modern !== undefined) {
      report.deprecated([...path, 'type']);
      report.info([...path, 'type'], `The input type ${input.type} is an old name: write ${modern}.`, {
        suggestion: modern,
      });
    }
  }
  checkDependencies(known, report);
}

interface InputAt {
  readonly input: Input;
  readonly path: Path;
}

/** Enough of an input for the checks below, each of which looks at the types of what it reads. */
function isInput(value: unknown): value is Input {
  if (!isPlainObject(value)) return false;
  const { type, dependsOn } = value;
  if (!INPUT_TYPES.some((known) => known === type)) return false;
  return dependsOn === undefined || (isPlainObject(dependsOn) && isTextList(dependsOn['inputs']));
}

const isTextList = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'));

function checkIds(inputs: readonly InputAt[], report: Report): void {
  const first = new Map<string, Path>();
  for (const { input, path } of inputs) {
    const property = input.id === undefined ? 'name' : 'id';
    const id = inputId(input);
    if (id === '') report.fault(path, "This input lacks the property 'id', which is required: add it.");
    else if (input.id !== undefined && input.name !== undefined) {
      report.fault([...path, 'name'], "'name' is the old name of 'id', and both are set: remove 'name'.", {
        part: 'name',
      });
    }
    const before = first.get(id);
    if (before === undefined) first.set(id, path);
    else if (id !== '') reportDuplicate('input', id, before, [...path, property], report);
  }
}

function checkProperties(input: Input, path: Path, report: Report): void {
  for (const property of Object.keys(input)) {
    const types = TYPES_OF[property];
    if (types === undefined || types.includes(input.type)) continue;
    report.fault(
      [...path, property],
      `'${property}' has no meaning for an input of type ${input.type}, only for ${either(types, 'and')}: remove it.`,
      { part: 'name' },
    );
  }
  if (
    input.validator !== undefined &&
    typeof input.validator === 'string' &&
    TYPES_OF['validator']?.includes(input.type) === true
  ) {
    const compiled = compilePattern(input.validator);
    if ('reason' in compiled) {
      report.fault(
        [...path, 'validator'],
        `The validator is not a regular expression that can be used here: ${compiled.reason}.`,
      );
    }
  }
}

function checkValues(input: Input, path: Path, report: Report): void {
  const { type, values, options, expression, itemType } = input;
  const isChoice = type === 'SELECT' || type === 'MULTISELECT' || type === 'ENUM';
  const given = values ?? options;
  if (isChoice && given === undefined && expression === undefined) {
    const other = type === 'ENUM' ? '' : " or an 'expression' that gives them";
    report.fault(path, `An input of type ${type} needs 'values'${other}: add them.`);
  }
  if (isChoice && Array.isArray(given) && given.length === 0 && expression === undefined) {
    report.fault(
      [...path, values === undefined ? 'options' : 'values'],
      `An input of type ${type} needs at least one value: add one.`,
    );
  }
  if (isChoice && given !== undefined && expression !== undefined) {
    report.fault(
      [...path, 'expression'],
      "'values' and 'expression' are both set, and only one can say what may be chosen: remove one of the two.",
      { part: 'name' },
    );
  }
  if (type === 'ARRAY' && itemType === undefined) {
    report.fault(path, "An input of type ARRAY needs 'itemType': add it, such as 'itemType: STRING'.");
  }
  const nested =
    (type === 'ARRAY' && itemType === 'ARRAY') ||
    (type === 'MULTISELECT' && (itemType === 'ARRAY' || itemType === 'MULTISELECT'));
  if (nested)
    report.fault(
      [...path, 'itemType'],
      `The items of an input of type ${type} cannot be lists themselves: choose another itemType, such as JSON.`,
    );
}

function checkBounds(input: Input, path: Path, report: Report): void {
  for (const [low, high] of [
    ['min', 'max'],
    ['after', 'before'],
  ] as const) {
    if (TYPES_OF[low]?.includes(input.type) !== true) continue;
    const bounds = [low, high].map((property) => {
      const written =
        property === 'min'
          ? input.min
          : property === 'max'
            ? input.max
            : property === 'after'
              ? input.after
              : input.before;
      if (written === undefined || (typeof written !== 'string' && typeof written !== 'number')) return undefined;
      const bound = boundOf(input.type, written);
      if (bound === undefined) {
        report.fault(
          [...path, property],
          `'${property}' of an input of type ${input.type} must be ${boundWords(input.type)}, but is ${quoted(String(written))}: change it.`,
        );
      }
      return bound;
    });
    const [least, most] = bounds;
    if (least !== undefined && most !== undefined && least > most) {
      report.fault(
        [...path, low],
        `'${low}' is greater than '${high}', so no value could be given: change one of the two.`,
      );
    }
  }
}

function checkDefaults(input: Input, path: Path, report: Report): void {
  const { defaults, prefill, required } = input;
  if (defaults === undefined || defaults === null) return;
  if (required === false) {
    report.fault(
      [...path, 'required'],
      "'required: false' cannot stand beside 'defaults', because an input with a default always has a value: remove one of the two.",
      { part: 'name' },
    );
  }
  if (prefill !== undefined) {
    report.fault([...path, 'prefill'], "'prefill' cannot stand beside 'defaults': remove one of the two.", {
      part: 'name',
    });
  }
  if (input.type === 'SECRET' || holdsTemplate(defaults) || hasOwnFaults(input)) return;
  if ((input.type === 'SELECT' || input.type === 'MULTISELECT') && input.expression !== undefined) return;
  if (input.type === 'FILE' && typeof defaults === 'string' && !DEFAULT_FILE.test(defaults)) {
    report.fault(
      [...path, 'defaults'],
      `The default of a FILE input must be the URI of a file that is always there: begin it with file:/// or nsfile:///.`,
    );
    return;
  }
  const conversion = convertValue(input, defaults);
  if ('reason' in conversion)
    report.fault([...path, 'defaults'], `The default of input ${quoted(inputId(input))} ${conversion.reason}.`);
}

/** A file of the server or of the namespace; files of executions come and go. */
const DEFAULT_FILE = /^(?:file|nsfile):/;

const holdsTemplate = (value: unknown): boolean =>
  isTemplate(value) || (typeof value === 'object' && value !== null && Object.values(value).some(holdsTemplate));

/** A declaration that is wrong in itself cannot judge its default. */
function hasOwnFaults(input: Input): boolean {
  const isChoice = input.type === 'SELECT' || input.type === 'MULTISELECT' || input.type === 'ENUM';
  const given = input.values ?? input.options;
  if (isChoice && (!Array.isArray(given) || given.length === 0)) return true;
  if (input.type === 'ARRAY' && (input.itemType === undefined || input.itemType === 'ARRAY')) return true;
  if (
    input.validator !== undefined &&
    (typeof input.validator !== 'string' || 'reason' in compilePattern(input.validator))
  )
    return true;
  if (input.allowedFileExtensions !== undefined && !isTextList(input.allowedFileExtensions)) return true;
  return input.itemType !== undefined && !INPUT_TYPES.some((known) => known === input.itemType);
}

function checkDependencies(inputs: readonly InputAt[], report: Report): void {
  const ids = new Set(inputs.map(({ input }) => inputId(input)));
  for (const { input, path } of inputs) {
    input.dependsOn?.inputs?.forEach((id, index) => {
      if (ids.has(id)) return;
      const suggestion = nearestName(id, ids);
      const advice = suggestion === undefined ? 'name an input of this flow.' : `did you mean '${suggestion}'?`;
      report.fault(
        [...path, 'dependsOn', 'inputs', index],
        `The flow has no input ${quoted(id)} to depend on: ${advice}`,
        { suggestion },
      );
    });
  }
  const order = orderInputs(inputs.map(({ input }) => input));
  if (order.kind !== 'cycle') return;
  const [start] = order.cycle;
  const first = inputs.find(({ input }) => inputId(input) === start);
  if (first === undefined) return;
  const message =
    order.cycle.length === 2
      ? `The input ${quoted(start ?? '')} depends on itself: remove it from its dependsOn.`
      : `These inputs depend on each other in a circle: ${order.cycle.join(' → ')}; remove one of the dependencies.`;
  report.fault([...first.path, 'dependsOn'], message, { part: 'name' });
}
