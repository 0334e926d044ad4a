import {
  nearestName,
  CommonTaskProperties,
  FLOW_ID_PATTERN,
  ID_PATTERN,
  isPlainObject,
  NAMESPACE_PATTERN,
  TENANT_PATTERN,
  type PlainObject,
} from '@millrace/model';
import type { Path } from '../fault.js';
import type { FindingOptions, Report } from '../report.js';
import { isTemplate } from '../templates.js';
import { asSentence, describeValue, durationAdvice, either, quoted, someOf, typeAdvice, typeWord } from '../words.js';
import type { SchemaError } from './compile.js';

/** What the checked value is. */
export interface Subject {
  readonly path: Path;
  /** In sentences: `the flow`, `the task 'hello'`. */
  readonly name: string;
  /** What its properties belong to: `core.log.Log`, `a flow`. */
  readonly kind: string;
  /** What the author wrote, when the checked value also holds defaults. */
  readonly written?: PlainObject;
}

/** Turns what the schema found into sentences with places. */
export function reportSchemaErrors(
  errors: readonly SchemaError[],
  value: unknown,
  subject: Subject,
  report: Report,
): void {
  const mapper = new ErrorMapper(value, subject, report);
  mapper.all(errors);
}

const COMBINATIONS = new Set(['anyOf', 'oneOf']);
/** Say nothing themselves: what they lead to is reported on its own. */
const SILENT = new Set(['if', 'then', 'else', 'allOf', '$ref']);

/** Errors among which a misspelt name is looked for: the comparison must stay cheap. */
const COMPARED_MAX = 1_000;

class ErrorMapper {
  constructor(
    private readonly value: unknown,
    private readonly subject: Subject,
    private readonly report: Report,
  ) {}

  all(errors: readonly SchemaError[]): void {
    const combinations = errors.filter((error) => COMBINATIONS.has(error.keyword));
    const isLacking = errors.some((error) => error.keyword === 'required');
    const misspelt = new Set(
      isLacking ? errors.slice(0, COMPARED_MAX).flatMap((error) => this.meantProperty(error) ?? []) : [],
    );
    const places = { listed: placesOf(errors, ['enum', 'const']), typed: placesOf(errors, ['type']) };
    for (const error of errors) {
      if (SILENT.has(error.keyword) || combinations.some((outer) => isInside(error, outer))) continue;
      if (isOverruled(error, places)) continue;
      // A required property that is there under a misspelt name is not missing too.
      if (
        error.keyword === 'required' &&
        misspelt.has(`${error.instancePath}/${textOf(error.params['missingProperty'])}`)
      )
        continue;
      if (COMBINATIONS.has(error.keyword))
        this.combination(
          error,
          errors.filter((inner) => isInside(inner, error)),
        );
      else this.one(error);
    }
  }

  private meantProperty(error: SchemaError): string | undefined {
    if (error.keyword !== 'additionalProperties') return undefined;
    const nearest = nearestName(textOf(error.params['additionalProperty']), propertiesOf(error.parentSchema));
    return nearest === undefined ? undefined : `${error.instancePath}/${nearest}`;
  }

  /** Of several alternatives those of the right type are explained; if none is, all types are named together. */
  private combination(error: SchemaError, inner: readonly SchemaError[]): void {
    const branches = new Map<string, SchemaError[]>();
    for (const one of inner) {
      const branch = one.schemaPath.slice(error.schemaPath.length + 1).split('/', 1)[0] ?? '';
      const known = branches.get(branch);
      if (known === undefined) branches.set(branch, [one]);
      else known.push(one);
    }
    const fitting = [...branches.values()].filter((branch) => !branch.some((one) => isTypeError(one, error)));
    const [best] = fitting.sort((left, right) => left.length - right.length);
    if (best !== undefined) return this.all(best);
    const expected = inner.filter((one) => isTypeError(one, error)).flatMap((one) => typesOf(one));
    if (expected.length === 0) this.one(error);
    else this.wrongType(error, [...new Set(expected)]);
  }

  private one(error: SchemaError): void {
    if (this.report.isFull('fault')) return;
    switch (error.keyword) {
      case 'additionalProperties':
      case 'unevaluatedProperties':
        return this.unknownProperty(error);
      case 'required':
        return this.missingProperty(error);
      case 'type':
        return this.wrongType(error, typesOf(error));
      case 'enum':
        return this.notListed(error, listOf(error.params['allowedValues']));
      case 'const':
        return this.notListed(error, [error.params['allowedValue']]);
      default:
        return this.fault(this.pathOf(error), `${this.nameOf(error)} ${this.reason(error)}`);
    }
  }

  private unknownProperty(error: SchemaError): void {
    const property = textOf(error.params['additionalProperty'] ?? error.params['unevaluatedProperty']);
    const known = propertiesOf(error.parentSchema);
    const suggestion = nearestName(property, known);
    const inside = this.pathOf(error).length > this.subject.path.length;
    const owner = inside ? this.nameOf(error) : this.subject.kind;
    const own = known.filter((name) => !Object.hasOwn(CommonTaskProperties, name));
    const isTask = this.subject.kind !== 'a flow' && !inside;
    const shown = isTask ? own : known;
    const offer = shown.length === 0 ? '' : `, or use ${isTask ? 'its own ' : 'one of '}${someOf([...shown].sort())}`;
    const advice = suggestion === undefined ? `remove it${offer}` : `did you mean '${suggestion}'?`;
    this.fault(
      [...this.pathOf(error), property],
      `the property ${quoted(property)} is not known for ${owner}: ${advice}`,
      {
        part: 'name',
        suggestion,
      },
    );
  }

  private missingProperty(error: SchemaError): void {
    const property = textOf(error.params['missingProperty']);
    this.fault(this.pathOf(error), `${this.nameOf(error)} lacks the property '${property}', which is required: add it`);
  }

  /** What only a default says is shown at its task, with a word about where it comes from. */
  private fault(path: Path, message: string, options?: FindingOptions): void {
    const { written } = this.subject;
    const relative = path.slice(this.subject.path.length);
    const isDefault = written !== undefined && relative.length > 0 && !isWritten(written, relative);
    const sentence = capitalised(asSentence(message));
    this.report.fault(path, isDefault ? `${sentence.slice(0, -1)}, in pluginDefaults.` : sentence, options);
  }

  private wrongType(error: SchemaError, expected: readonly string[]): void {
    const path = this.pathOf(error);
    const is = describeValue(error.data, this.report.writtenAt(path));
    const isDuration = isPlainObject(error.parentSchema) && error.parentSchema['format'] === 'duration';
    const wanted = isDuration ? 'a duration' : either(expected.map(typeWord));
    const name = this.nameOf(error);
    if (error.data === null) return this.fault(path, `${name} has no value but must be ${wanted}: give it one`);
    const advice = isDuration ? durationAdvice(error.data) : typeAdvice(error.data, expected);
    if (isTemplate(error.data))
      return this.fault(path, `${name} is not rendered, so it cannot hold an expression: ${advice}`);
    this.fault(path, `${name} is ${is} but must be ${wanted}: ${advice}`);
  }

  private notListed(error: SchemaError, allowed: readonly unknown[]): void {
    const names = allowed.map(String);
    const path = this.pathOf(error);
    const name = this.nameOf(error);
    if (typeof error.data !== 'string') {
      const is = describeValue(error.data, this.report.writtenAt(path));
      return this.fault(path, `${name} is ${is} but must be ${either(names)}`);
    }
    if (isTemplate(error.data)) {
      return this.fault(path, `${name} is not rendered, so it cannot hold an expression: write ${either(names)}`);
    }
    const suggestion = nearestChoice(error.data, names);
    const meant = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
    this.fault(path, `${name} cannot be ${quoted(error.data)}${meant}: write ${either(names)}`, { suggestion });
  }

  private reason(error: SchemaError): string {
    const limit = error.params['limit'];
    const amount = typeof limit === 'number' ? limit.toLocaleString('en-US') : String(limit);
    const comparison = String(error.params['comparison'] ?? '');
    const value = describeValue(error.data, this.report.writtenAt(this.pathOf(error)));
    switch (error.keyword) {
      case 'pattern':
        return patternReason(error, value);
      case 'format':
        return formatReason(error, value);
      case 'minimum':
      case 'maximum':
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
        return `is ${value} but must be ${COMPARISONS[comparison] ?? comparison} ${amount}: change it`;
      case 'minLength':
        return error.data === '' ? 'is empty: give it a value' : `is shorter than ${amount} characters: make it longer`;
      case 'maxLength':
        return `is longer than ${amount} characters: shorten it`;
      case 'minItems':
        return limit === 1 ? 'is an empty list: give it at least one item' : `has fewer than ${amount} items: add some`;
      case 'maxItems':
        return `has more than ${amount} items: remove some`;
      case 'minProperties':
        return `has fewer than ${amount} properties: add some`;
      case 'maxProperties':
        return `has more than ${amount} properties: remove some`;
      case 'uniqueItems':
        return 'has the same item twice: remove one of the two';
      case 'multipleOf':
        return `is ${value} but must be a multiple of ${String(error.params['multipleOf'])}: change it`;
      default:
        return `is ${value}, which is not allowed here: see the documentation of ${this.subject.kind}`;
    }
  }

  private nameOf(error: SchemaError): string {
    const path = this.pathOf(error);
    const last = path.at(-1);
    if (path.length <= this.subject.path.length || last === undefined) return this.subject.name;
    if (typeof last === 'string') return `'${last}'`;
    const list = path.at(-2);
    return typeof list === 'string' ? `item ${last + 1} of '${list}'` : `item ${last + 1} of this list`;
  }

  /** The place of an error, from the flow's root; indexes of lists are told from names by the data. */
  private pathOf(error: SchemaError): Path {
    let data = this.value;
    const path: (string | number)[] = [...this.subject.path];
    for (const segment of error.instancePath.split('/').slice(1)) {
      const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(data)) {
        path.push(Number(name));
        data = data[Number(name)];
      } else {
        path.push(name);
        data = isPlainObject(data) ? data[name] : undefined;
      }
    }
    return path;
  }
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '>=': 'at least',
  '<=': 'at most',
  '>': 'more than',
  '<': 'less than',
};

const PATTERNS: Readonly<Record<string, string>> = {
  [ID_PATTERN]: "use letters, digits, '-' and '_', with a letter or digit first",
  [FLOW_ID_PATTERN]: "use letters, digits, '.', '-' and '_', with a letter or digit first",
  '^[a-zA-Z0-9][.a-zA-Z0-9_-]*$': "use letters, digits, '.', '-' and '_', with a letter or digit first",
  [NAMESPACE_PATTERN]: "use lower-case letters, digits, '.', '-' and '_', with a letter or digit first",
  [TENANT_PATTERN]: "use lower-case letters, digits, '-' and '_', with a letter or digit first",
};

function patternReason(error: SchemaError, value: string): string {
  if (error.data === '') return 'is empty: give it a value';
  const pattern = String(error.params['pattern'] ?? '');
  const advice = PATTERNS[pattern];
  return advice === undefined
    ? `is ${value}, which does not match the pattern ${pattern}: change it`
    : `cannot be ${value}: ${advice}`;
}

function formatReason(error: SchemaError, value: string): string {
  const format = String(error.params['format'] ?? '');
  if (format !== 'duration') return `is ${value}, which is not in the format '${format}': change it`;
  return `is ${value}, which is not a duration: ${durationAdvice(error.data)}`;
}

function isInside(error: SchemaError, outer: SchemaError): boolean {
  return (
    error !== outer &&
    error.schemaPath.startsWith(`${outer.schemaPath}/`) &&
    isBelow(error.instancePath, outer.instancePath)
  );
}

interface ErrorPlaces {
  readonly listed: ReadonlySet<string>;
  readonly typed: ReadonlySet<string>;
}

const placesOf = (errors: readonly SchemaError[], keywords: readonly string[]): ReadonlySet<string> =>
  new Set(errors.filter((error) => keywords.includes(error.keyword)).map((error) => error.instancePath));

/** Of a wrong type and a list of allowed values at one place only one is reported: the list where it says more. */
function isOverruled(error: SchemaError, places: ErrorPlaces): boolean {
  const isScalar = error.data !== null && typeof error.data !== 'object';
  if (error.keyword === 'type') return isScalar && places.listed.has(error.instancePath);
  const isList = error.keyword === 'enum' || error.keyword === 'const';
  return isList && !isScalar && places.typed.has(error.instancePath);
}

function isWritten(value: unknown, path: Path): boolean {
  const [step, ...rest] = path;
  if (step === undefined) return true;
  if (Array.isArray(value)) return typeof step === 'number' && step < value.length && isWritten(value[step], rest);
  return isPlainObject(value) && Object.hasOwn(value, step) && isWritten(value[step], rest);
}

/** The same in another case, an abbreviation, or spelled alike. */
function nearestChoice(wanted: string, names: readonly string[]): string | undefined {
  const upper = wanted.toUpperCase();
  const begins = (name: string): boolean =>
    upper.length > 1 &&
    (name.toUpperCase().startsWith(upper) || (name.length > 2 && upper.startsWith(name.toUpperCase())));
  return names.find((name) => name.toUpperCase() === upper) ?? nearestName(wanted, names) ?? names.find(begins);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const isBelow = (path: string, outer: string): boolean => path === outer || path.startsWith(`${outer}/`);

const isTypeError = (error: SchemaError, outer: SchemaError): boolean =>
  error.keyword === 'type' && error.instancePath === outer.instancePath;

function typesOf(error: SchemaError): string[] {
  const { type } = error.params;
  return Array.isArray(type) ? type.map(String) : String(type).split(',');
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The names to suggest: old ones are accepted but not offered. */
function propertiesOf(schema: unknown): readonly string[] {
  if (!isPlainObject(schema) || !isPlainObject(schema['properties'])) return [];
  return Object.entries(schema['properties']).flatMap(([name, property]) => (isDeprecated(property) ? [] : [name]));
}

const isDeprecated = (property: unknown): boolean => isPlainObject(property) && property['deprecated'] === true;

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
