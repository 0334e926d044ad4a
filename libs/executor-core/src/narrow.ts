import { ANY, CURRENT_EACH, LazyMap, type Reference, type Segment, type Variables } from '@millrace/expression';
import { isPlainObject, isStoredOutputs, type PlainObject } from '@millrace/model';

/** What is needed below a variable: everything, or only some members. */
interface Wanted {
  all: boolean;
  readonly members: Map<string, Wanted>;
}

const nothing = (): Wanted => ({ all: false, members: new Map() });

/** Small, and read by functions and by texts that a task renders while it runs. */
const ALWAYS = ['flow', 'execution', 'task', 'taskrun'];

/**
 * The variables that `references` name, as plain data: what a job carries, so that it does not grow with its siblings
 * (architecture.md part 3). A reference that cannot be told takes the whole of what is below.
 */
export function narrow(references: readonly Reference[], variables: Variables): PlainObject {
  const wanted = nothing();
  for (const name of ALWAYS) member(wanted, name).all = true;
  for (const { path } of references) want(wanted, path, variables);
  const result: Record<string, unknown> = {};
  for (const name of wanted.all ? variables.names() : wanted.members.keys()) {
    if (!variables.has(name)) continue;
    result[name] = take(variables.get(name), wanted.all ? { ...nothing(), all: true } : wanted.members.get(name));
  }
  return result;
}

function member(wanted: Wanted, name: string): Wanted {
  let inner = wanted.members.get(name);
  if (!inner) wanted.members.set(name, (inner = nothing()));
  return inner;
}

function want(wanted: Wanted, path: readonly Segment[], variables: Variables): void {
  let at = wanted;
  for (const segment of path) {
    if (segment === ANY) break;
    if (segment === CURRENT_EACH) {
      for (const value of currentValues(variables)) at = member(at, value);
      break;
    }
    const key = keyOf(segment, variables);
    if (key === undefined) break;
    at = member(at, key);
  }
  at.all = true;
}

function keyOf(segment: Segment, variables: Variables): string | undefined {
  if (typeof segment === 'string') return segment;
  if (typeof segment === 'number') return String(segment);
  if (!('reference' in segment)) return undefined;
  let value: unknown;
  for (const [index, part] of segment.reference.entries()) {
    if (typeof part === 'object') return undefined;
    const key = String(part);
    if (index === 0) value = variables.has(key) ? variables.get(key) : undefined;
    else value = memberOf(value, key);
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The loop values around the task run, outermost first. */
function currentValues(variables: Variables): string[] {
  const values: string[] = [];
  const parents = variables.has('parents') ? variables.get('parents') : [];
  for (const parent of Array.isArray(parents) ? parents : []) {
    const value = memberOf(memberOf(parent, 'taskrun'), 'value');
    if (typeof value === 'string') values.unshift(value);
  }
  const own = memberOf(variables.has('taskrun') ? variables.get('taskrun') : undefined, 'value');
  if (typeof own === 'string') values.push(own);
  return values;
}

function memberOf(value: unknown, key: string): unknown {
  if (value instanceof LazyMap) return value.has(key) ? value.get(key) : undefined;
  if (Array.isArray(value)) return value[Number(key)];
  return isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function take(value: unknown, wanted: Wanted | undefined): unknown {
  if (!wanted || wanted.all) return value instanceof LazyMap ? value.toJSON() : value;
  // Its members are known to the worker that reads it.
  if (isStoredOutputs(value)) return value;
  // A list keeps its places: it is taken whole.
  if (!(value instanceof LazyMap) && !isPlainObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of wanted.members) {
    const found = memberOf(value, key);
    if (found !== undefined) result[key] = take(found, inner);
  }
  return result;
}
