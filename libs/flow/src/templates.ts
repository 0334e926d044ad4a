import { ExpressionError, parseTemplate } from '@millrace/expression';
import type { Path } from './fault.js';

/** A text with a tag or a comment; anything else is rendered as it is. */
export const isTemplate = (value: unknown): value is string => typeof value === 'string' && /\{[{%#]/.test(value);

/** A text of a flow that is rendered, and where it stands. */
export interface TemplateAt {
  readonly path: Path;
  readonly text: string;
  /** The text is the name of a property and not its value. */
  readonly isName: boolean;
}

/** All texts with expressions at or below a value. `enter` may leave out members of maps and items of lists. */
export function templatesIn(
  value: unknown,
  path: Path,
  enter: (member: unknown, holder: unknown, step: string | number) => boolean,
): TemplateAt[] {
  const found: TemplateAt[] = [];
  const visit = (member: unknown, at: Path): void => {
    if (isTemplate(member)) found.push({ path: at, text: member, isName: false });
    if (typeof member !== 'object' || member === null) return;
    const isList = Array.isArray(member);
    for (const [name, inner] of Object.entries<unknown>({ ...member })) {
      const step = isList ? Number(name) : name;
      if (!enter(inner, member, step)) continue;
      if (!isList && isTemplate(name)) found.push({ path: [...at, name], text: name, isName: true });
      visit(inner, [...at, step]);
    }
  };
  visit(value, path);
  return found;
}

/** What is read of `inputs` or `outputs`: `['inputs', 'a', 'b']` for `inputs.a.b`. */
export type ReadPath = readonly [root: string, ...rest: string[]];

export type TemplateReading =
  | { readonly kind: 'read'; readonly reads: readonly ReadPath[] }
  | { readonly kind: 'fault'; readonly offset: number; readonly reason: string };

/** Parses a template: what it reads by name, as far as the names are literal, or its mistake. */
export function readTemplate(text: string): TemplateReading {
  try {
    return { kind: 'read', reads: parseTemplate(text).references.flatMap(({ path }) => readPath(path)) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { kind: 'fault', offset: offsetOf(text, error.line, error.column), reason: error.reason };
  }
}

function readPath(path: readonly unknown[]): readonly ReadPath[] {
  const [root, ...rest] = path;
  if (typeof root !== 'string') return [];
  const computed = rest.findIndex((step) => typeof step !== 'string');
  const names = (computed < 0 ? rest : rest.slice(0, computed)).filter((step) => typeof step === 'string');
  return [[root, ...names]];
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let at = 1; at < line; at++) {
    const next = text.indexOf('\n', start);
    if (next < 0) break;
    start = next + 1;
  }
  return Math.min(start + column - 1, text.length);
}
