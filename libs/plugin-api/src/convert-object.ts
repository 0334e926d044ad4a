import { isPlainObject, type PlainObject } from '@millrace/model';
import { fromJson, refuse, type Conversion, type Convert } from './conversion.js';

/** Compiles the schema of a member; handed in, since members may be objects again. */
type Compile = (schema: PlainObject, where: string) => Convert;

interface Members {
  readonly known: ReadonlyMap<string, Convert>;
  readonly required: readonly string[];
  /** For names that are not known; false when they are refused, undefined when anything fits. */
  readonly others: Convert | false | undefined;
}

/** The converter of a schema of type object: properties by name, or a map with names of the user's choice. */
export function compileObject(schema: PlainObject, where: string, compile: Compile): Convert {
  const members = compileMembers(schema, where, compile);
  return (given, at) => {
    const value = at.convert ? fromJson(given, '{') : given;
    if (!isPlainObject(value)) return refuse(at, given, 'a map');
    const converted: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) convertMember(members, name, member, converted, at);
    for (const name of members.required) {
      if (!Object.hasOwn(converted, name)) at.issues.push({ path: pathOf(at, name), problem: 'is required' });
    }
    return converted;
  };
}

function compileMembers(schema: PlainObject, where: string, compile: Compile): Members {
  const { properties, required, additionalProperties, patternProperties } = schema;
  const known = new Map<string, Convert>();
  for (const [name, member] of Object.entries(isPlainObject(properties) ? properties : {})) {
    // The common properties of tasks are checked when the flow is saved and never reach the task.
    if (isPlainObject(member))
      known.set(name, isTaskList(member) ? (value) => value : compile(member, `${where}, ${name}`));
  }
  // `Record(String, …)` makes one pattern that fits every name.
  const pattern = isPlainObject(patternProperties) ? Object.values(patternProperties)[0] : undefined;
  const rest = pattern ?? additionalProperties;
  return {
    known,
    required: Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [],
    others: rest === false ? false : isPlainObject(rest) ? compile(rest, where) : undefined,
  };
}

const isTaskList = (schema: PlainObject): boolean => 'x-tasks' in schema;

const pathOf = (at: Conversion, name: string): string => (at.path === '' ? name : `${at.path}.${name}`);

function convertMember(
  { known, required, others }: Members,
  name: string,
  value: unknown,
  into: Record<string, unknown>,
  at: Conversion,
): void {
  if (value === undefined) return;
  const convert = known.get(name) ?? others;
  const inside = { ...at, path: pathOf(at, name) };
  if (convert === false) {
    const names = [...known.keys()].join(', ');
    at.issues.push({ path: inside.path, problem: `is unknown here; known are ${names}` });
    return;
  }
  // A property without a value is as if it were not written, except where something has to be.
  if (value === null && known.has(name) && !required.includes(name) && at.convert) {
    const issues: Conversion['issues'] = [];
    const converted = convert ? convert(value, { ...inside, issues }) : null;
    if (issues.length === 0) put(into, name, converted);
    return;
  }
  put(into, name, convert ? convert(value, inside) : value);
}

/** A name such as `__proto__` is data like any other. */
function put(into: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true });
}
