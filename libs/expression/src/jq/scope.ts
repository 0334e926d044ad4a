import type { Definition, Node } from './syntax.js';

/** A filter given as an argument: evaluated where it was written. */
export interface Closure {
  readonly body: Node;
  readonly scope: Scope | undefined;
}

/** Names that a part of a program sees; the innermost first. */
export interface Scope {
  readonly outer: Scope | undefined;
  readonly binding:
    | { readonly kind: 'variable'; readonly name: string; readonly value: unknown }
    | { readonly kind: 'label'; readonly name: string; readonly label: object }
    | { readonly kind: 'argument'; readonly name: string; readonly closure: Closure }
    | { readonly kind: 'function'; readonly definition: Definition };
}

/** The scope with one more name. */
export const bound = (binding: Scope['binding'], outer: Scope | undefined): Scope => ({ outer, binding });

type Binding<Kind extends Scope['binding']['kind']> = Extract<Scope['binding'], { kind: Kind }>;

/** The value of a variable, or undefined when there is none of that name. */
export function variableIn(scope: Scope | undefined, name: string): Binding<'variable'> | undefined {
  for (let at = scope; at; at = at.outer)
    if (at.binding.kind === 'variable' && at.binding.name === name) return at.binding;
  return undefined;
}

/** The label of a name. */
export function labelIn(scope: Scope | undefined, name: string): object | undefined {
  for (let at = scope; at; at = at.outer)
    if (at.binding.kind === 'label' && at.binding.name === name) return at.binding.label;
  return undefined;
}

/** The function of a name and a number of arguments, with the scope in which it is known (it may call itself). */
export function functionIn(
  scope: Scope | undefined,
  name: string,
  count: number,
): { readonly binding: Binding<'function'> | Binding<'argument'>; readonly scope: Scope } | undefined {
  for (let at = scope; at; at = at.outer) {
    const { binding } = at;
    if (binding.kind === 'argument' && binding.name === name && count === 0) return { binding, scope: at };
    if (binding.kind !== 'function') continue;
    const { definition } = binding;
    if (definition.name === name && definition.parameters.length === count) return { binding, scope: at };
  }
  return undefined;
}
