import { nearestName, parseDuration, type Input, type InputType, type Output } from '@millrace/model';
import { describeValue, either, quoted } from '../words.js';
import { readYamlValue } from '../yaml/read-value.js';
import { instantText, parseDate, parseInstant, parseTime } from './dates.js';
import { compilePattern } from './pattern.js';

/** The value as it is stored, or why it was refused: the end of a sentence that begins with the input's name. */
export type Conversion = { readonly value: unknown } | { readonly reason: string };

/** What of an input's declaration decides how its value is converted. */
export type ValueDeclaration = Pick<
  Input,
  | 'type'
  | 'itemType'
  | 'validator'
  | 'values'
  | 'options'
  | 'allowCustomValue'
  | 'min'
  | 'max'
  | 'after'
  | 'before'
  | 'allowedFileExtensions'
>;

const TEXT_LENGTH_MAX = 16 * 1024 * 1024; // 16 Mi units

/**
 * Converts a value to the type of an input and checks everything that the declaration asks for.
 *
 * @param choices what SELECT and MULTISELECT may be, when it is not `values` of the declaration (a rendered expression)
 */
export function convertValue(declaration: ValueDeclaration, value: unknown, choices?: readonly unknown[]): Conversion {
  if (typeof value === 'string' && value.length > TEXT_LENGTH_MAX) {
    return refuse(`is longer than ${TEXT_LENGTH_MAX} characters: give it as a file`);
  }
  return CONVERTERS[declaration.type](value, declaration, choices ?? declaration.values ?? declaration.options);
}

/**
 * Converts the rendered value of a flow's output to its declared type; without a type it is kept as it is.
 */
export function convertOutput(output: Output, value: unknown): Conversion {
  const { type, itemType } = output;
  if (type === undefined || value === null || value === undefined) return { value: value ?? null };
  if (type === 'SECRET') return convertText(value);
  return convertValue({ type, ...(itemType === undefined ? {} : { itemType }) }, value);
}

type Converter = (value: unknown, declaration: ValueDeclaration, choices: readonly unknown[] | undefined) => Conversion;

const refuse = (reason: string): Conversion => ({ reason });

const mustBe = (value: unknown, what: string): Conversion => refuse(`is ${describeValue(value)} but must be ${what}`);

function convertText(value: unknown): { readonly value: string } {
  if (typeof value === 'string') return { value };
  return { value: typeof value === 'object' ? JSON.stringify(value) : String(value) };
}

function convertString(value: unknown, { validator }: ValueDeclaration): Conversion {
  const text = convertText(value);
  if (validator === undefined) return text;
  const compiled = compilePattern(validator);
  if ('reason' in compiled)
    return refuse(`cannot be checked, because its validator is not a regular expression (${compiled.reason})`);
  return compiled.pattern.matches(text.value)
    ? text
    : refuse(`is ${describeValue(text.value)} but must match ${quoted(validator)} as a whole`);
}

/** Letters before the @, a host after it; both parts are bounded so that the check is linear. */
const EMAIL = /^[\w!#$%&'*+/=?`{|}~^.-]{1,64}@[A-Za-z0-9.-]{1,255}$/;

function convertEmail(value: unknown): Conversion {
  const text = convertText(value);
  return text.value === '' || EMAIL.test(text.value)
    ? text
    : mustBe(value, 'an e-mail address such as name@example.com');
}

const INT32_MIN = -2_147_483_648;
const INT32_MAX = 2_147_483_647;

function convertInt(value: unknown, declaration: ValueDeclaration): Conversion {
  const isText = typeof value === 'string' && /^\s*[-+]?\d{1,20}\s*$/.test(value);
  const number = isText ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return mustBe(value, 'a whole number');
  if (number < INT32_MIN || number > INT32_MAX) return mustBe(value, `between ${INT32_MIN} and ${INT32_MAX}`);
  return withinBounds(number + 0, declaration);
}

function convertFloat(value: unknown, declaration: ValueDeclaration): Conversion {
  const isText = typeof value === 'string' && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?\s*$/i.test(value);
  const number = isText ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return mustBe(value, 'a number');
  return withinBounds(number, declaration);
}

function withinBounds(number: number, { min, max }: ValueDeclaration): Conversion {
  if (min !== undefined && number < Number(min)) return mustBe(number, `${min} or more`);
  if (max !== undefined && number > Number(max)) return mustBe(number, `${max} or less`);
  return { value: number };
}

/** `true` in any case is true, everything else false (spec flow.md §3). */
const convertBool: Converter = (value) => ({
  value: value === true || (typeof value === 'string' && value.trim().toLowerCase() === 'true'),
});

interface Scale {
  readonly parse: (text: string) => number | undefined;
  readonly what: string;
}

const INSTANT_SCALE: Scale = { parse: parseInstant, what: 'a date and time with zone such as 2026-01-31T08:30:00Z' };
const DATE_SCALE: Scale = { parse: parseDate, what: 'a date such as 2026-01-31' };
const TIME_SCALE: Scale = { parse: parseTime, what: 'a time such as 08:30 or 08:30:15' };
const DURATION_SCALE: Scale = { parse: parseDuration, what: 'a duration such as PT30S or P1D' };

/** Bounds are inclusive. A bound that is not on the scale is refused when the flow is saved, so it is not one here. */
function onScale(
  { parse, what }: Scale,
  value: unknown,
  low: unknown,
  high: unknown,
  words: readonly [string, string],
): Conversion & { at?: number } {
  const at = typeof value === 'string' ? parse(value.trim()) : undefined;
  if (typeof value !== 'string' || at === undefined) return mustBe(value, what);
  const [least, most] = [low, high].map((bound) => (typeof bound === 'string' ? parse(bound) : undefined));
  if (least !== undefined && at < least) return mustBe(value, `${words[0]} ${String(low)}`);
  if (most !== undefined && at > most) return mustBe(value, `${words[1]} ${String(high)}`);
  return { value: value.trim(), at };
}

const convertDated =
  (scale: Scale): Converter =>
  (value, { after, before }) => {
    const { at, ...conversion } = onScale(scale, value, after, before, ['not before', 'not after']);
    return scale === INSTANT_SCALE && at !== undefined ? { value: instantText(at) } : conversion;
  };

const convertDuration: Converter = (value, { min, max }) => {
  const { at: _, ...conversion } = onScale(DURATION_SCALE, value, min, max, ['at least', 'at most']);
  return conversion;
};

const convertSelect: Converter = (value, { allowCustomValue }, choices) => {
  const text = convertText(value);
  const names = (choices ?? []).map((choice) => convertText(choice).value);
  return allowCustomValue === true || names.includes(text.value) ? text : notAChoice(text.value, names);
};

const CHOICES_SHOWN = 20;

function notAChoice(text: string, names: readonly string[]): Conversion {
  const near = nearestName(text, names);
  const meant = near === undefined ? '' : ` (did you mean ${quoted(near)}?)`;
  const shown = names.length <= CHOICES_SHOWN ? either(names) : `one of its ${names.length} values`;
  return refuse(
    `cannot be ${quoted(text)}${meant}: it must be ${names.length === 0 ? 'one of its values, of which there are none' : shown}`,
  );
}

function listOf(value: unknown): readonly unknown[] | undefined {
  const data = typeof value === 'string' ? parsedJson(value) : value;
  return Array.isArray(data) ? data : undefined;
}

function convertItems(value: unknown, itemType: InputType, check: (item: unknown) => string | undefined): Conversion {
  const items = listOf(value);
  if (items === undefined) return mustBe(value, 'a list, or the JSON text of one');
  const converted: unknown[] = [];
  for (const [index, item] of items.entries()) {
    const conversion = convertValue({ type: itemType }, item);
    const reason = 'reason' in conversion ? conversion.reason : check(conversion.value);
    if (reason !== undefined) return refuse(`has an item that is refused: item ${index + 1} ${reason}`);
    converted.push('value' in conversion ? conversion.value : null);
  }
  return { value: converted };
}

const convertMultiselect: Converter = (value, { itemType, allowCustomValue }, choices) => {
  const names = (choices ?? []).map((choice) => convertText(choice).value);
  return convertItems(value, itemType ?? 'STRING', (item) => {
    const text = convertText(item).value;
    if (allowCustomValue === true || names.includes(text)) return undefined;
    const refused = notAChoice(text, names);
    return 'reason' in refused ? refused.reason : undefined;
  });
};

const FILE_SCHEME = /^(?:kestra|file|nsfile):\/\//;

const convertFile: Converter = (value, { allowedFileExtensions }) => {
  if (typeof value !== 'string' || !FILE_SCHEME.test(value)) {
    return mustBe(value, 'a file, or the URI of one that begins with kestra://, file:// or nsfile://');
  }
  const path = value.toLowerCase();
  const allowed = allowedFileExtensions ?? [];
  if (allowed.length === 0 || allowed.some((extension) => path.endsWith(extension.toLowerCase()))) return { value };
  return mustBe(value, `a file that ends with ${either(allowed)}`);
};

/** A scheme, a colon and something without spaces after it. */
const ABSOLUTE_URI = /^[a-zA-Z][a-zA-Z0-9+.-]*:[^\s]+$/;

const convertUri: Converter = (value) =>
  typeof value === 'string' && ABSOLUTE_URI.test(value)
    ? { value }
    : mustBe(value, 'a URI with a scheme such as https://example.com');

const convertJson: Converter = (value) => {
  if (typeof value !== 'string') return { value };
  const data = parsedJson(value);
  return data === undefined ? mustBe(value, 'JSON text') : { value: data };
};

const convertYaml: Converter = (value) => {
  if (typeof value !== 'string') return { value };
  const read = readYamlValue(value);
  return 'value' in read ? read : refuse(`is not YAML: ${read.reason}`);
};

/** Undefined for text that is no JSON, which JSON itself cannot express. */
function parsedJson(text: string): unknown {
  try {
    const data: unknown = JSON.parse(text);
    return data;
  } catch {
    return undefined;
  }
}

const CONVERTERS: Readonly<Record<InputType, Converter>> = {
  STRING: convertString,
  EMAIL: convertEmail,
  ENUM: convertSelect,
  SELECT: convertSelect,
  MULTISELECT: convertMultiselect,
  INT: convertInt,
  FLOAT: convertFloat,
  BOOL: convertBool,
  BOOLEAN: convertBool,
  DATETIME: convertDated(INSTANT_SCALE),
  DATE: convertDated(DATE_SCALE),
  TIME: convertDated(TIME_SCALE),
  DURATION: convertDuration,
  FILE: convertFile,
  JSON: convertJson,
  YAML: convertYaml,
  URI: convertUri,
  // Whoever stores it encrypts it.
  SECRET: convertString,
  ARRAY: (value, { itemType }) => convertItems(value, itemType ?? 'STRING', () => undefined),
};

/** The number that a bound of this type stands for; undefined when the text is not one. */
export function boundOf(type: InputType, bound: unknown): number | undefined {
  const scale = SCALES[type];
  if (scale !== undefined) return typeof bound === 'string' ? scale.parse(bound) : undefined;
  const number = typeof bound === 'string' && bound.trim() !== '' ? Number(bound) : bound;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return type === 'INT' && !Number.isInteger(number) ? undefined : number;
}

const SCALES: Partial<Record<InputType, Scale>> = {
  DATETIME: INSTANT_SCALE,
  DATE: DATE_SCALE,
  TIME: TIME_SCALE,
  DURATION: DURATION_SCALE,
};

/** What a bound of this type looks like, for a sentence. */
export const boundWords = (type: InputType): string =>
  SCALES[type]?.what ?? (type === 'INT' ? 'a whole number' : 'a number');
