import { isPlainObject, type FlowSource, type Label } from '@millrace/model';
import { quoted } from './words.js';

const LABEL_KEY = /^\p{Ll}[\p{L}\p{N}._-]*$/u;
const LABEL_KEY_MAX = 256;
const SYSTEM_PREFIX = 'system.';
/** The only system label that users may set on a flow. */
const SETTABLE = 'system.readOnly';

/** Labels as written, a map or a list, as a list: of one key the last wins, empty values are dropped. */
export function labelsOf(written: FlowSource['labels']): Label[] {
  const entries: readonly (readonly [string, unknown])[] = isList(written)
    ? written.map(({ key, value }) => [key, value] as const)
    : Object.entries(written ?? {});
  const labels = new Map<string, string>();
  for (const [key, value] of entries) {
    const text = value === null || value === undefined ? '' : String(value);
    labels.delete(key);
    if (text !== '') labels.set(key, text);
  }
  return [...labels].map(([key, value]) => ({ key, value }));
}

function isList(written: FlowSource['labels']): written is readonly Label[] {
  return Array.isArray(written);
}

/** A sentence when a label cannot have this key, or users cannot set it on a flow. */
export function labelKeyFault(key: string): string | undefined {
  if (key.length > LABEL_KEY_MAX)
    return `The label ${quoted(key)} has a key longer than ${LABEL_KEY_MAX} characters: shorten it.`;
  if (!LABEL_KEY.test(key)) {
    return `The label ${quoted(key)} has a key that is not allowed: begin with a lower-case letter, then use letters, digits, '.', '_' and '-'.`;
  }
  if (key.startsWith(SYSTEM_PREFIX) && key !== SETTABLE) {
    return `The label ${quoted(key)} is set by the system: choose a key that does not begin with '${SYSTEM_PREFIX}'.`;
  }
  return undefined;
}

/**
 * Labels as expressions see them: `a.b` is `labels.a.b`. Where one key is the beginning of another (`a` and `a.b`),
 * the longer one is reached by its whole name.
 */
export function nestLabels(labels: readonly Label[]): Readonly<Record<string, unknown>> {
  return nestByDots(labels.map(({ key, value }) => [key, value] as const));
}

/** A map from names with dots: `a.b` becomes `b` inside `a`. */
export function nestByDots(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const root = emptyMap();
  const whole = new Set(entries.map(([name]) => name));
  for (const [name, value] of entries) {
    const steps = name.split('.');
    const blocked = steps.some(
      (step, index) => step === '' || (index > 0 && whole.has(steps.slice(0, index).join('.'))),
    );
    if (blocked) root[name] = value;
    else put(root, steps, value);
  }
  return root;
}

function put(root: Record<string, unknown>, steps: readonly string[], value: unknown): void {
  let map = root;
  for (const step of steps.slice(0, -1)) {
    const below = Object.hasOwn(map, step) ? map[step] : undefined;
    const next: Record<string, unknown> = isPlainObject(below) ? below : emptyMap();
    define(map, step, next);
    map = next;
  }
  define(map, steps.at(-1) ?? '', value);
}

const emptyMap = (): Record<string, unknown> => ({});

/** As an own property even for `__proto__`. */
function define(map: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
}
